/**
 * parts/code: a text as a code that phones scan. Its module is fetched when somebody asks for one.
 */
import qr from 'qr';
import { html } from '../lib/html.js';

/** @param {{ text: string, label: string }} props */
export function Code({ text, label }) {
	const rows = qr(text, 'raw', { ecc: 'medium', border: 2 });
	let path = '';
	rows.forEach((row, y) => row.forEach((isDark, x) => {
		path += isDark ? `M${x} ${y}h1v1h-1z` : '';
	}));
	return html`<svg class="code" viewBox=${`0 0 ${rows.length} ${rows.length}`} role="img" aria-label=${label} shape-rendering="crispEdges">
		<path class="code-paper" d=${`M0 0h${rows.length}v${rows.length}h-${rows.length}z`} /><path class="code-ink" d=${path} /></svg>`;
}
