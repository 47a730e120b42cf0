/**
 * parts/dialog: a question that states its consequences. The browser's own dialog traps focus and gives it back.
 */
import { html, render } from '../lib/html.js';
import { t } from '../lib/text.js';

/**
 * @param {{ title: string, lines: string[], action: string, danger?: boolean }} what
 * @returns {Promise<boolean>}
 */
export function ask({ title, lines, action, danger = false }) {
	return new Promise((resolve) => {
		show((close) => html`<h2 id="dialog-title">${title}</h2>
			<ul class="consequences">${lines.map((line) => html`<li key=${line}>${line}</li>`)}</ul>
			<div class="dialog-actions">
				<button type="button" class="button" onClick=${() => close()}>${t('dialog.cancel')}</button>
				<button type="button" class=${danger ? 'button strong danger' : 'button strong'} onClick=${() => (resolve(true), close())}>${action}</button>
			</div>`).then(() => resolve(false));
	});
}

/** @param {(close: () => void) => any} draw @returns {Promise<void>} when it is closed */
export function show(draw) {
	return new Promise((resolve) => {
		const dialog = document.createElement('dialog');
		dialog.setAttribute('aria-labelledby', 'dialog-title');
		document.body.append(dialog);
		dialog.addEventListener('close', () => {
			render(null, dialog);
			dialog.remove();
			resolve();
		});
		dialog.addEventListener('click', (event) => {
			if (event.target === dialog) {
				dialog.close();
			}
		});
		render(html`<div class="dialog">${draw(() => dialog.close())}</div>`, dialog);
		dialog.showModal();
	});
}
