/**
 * lib/attached: pictures, sound and files of something that is being written. They stand as Markdown at its end, one a line, so whatever keeps the text keeps
 * them: this browser, the node, another device, the outbox.
 */

/** `alt`: what a picture shows, or what a file is called. @typedef {{ kind: 'picture' | 'audio' | 'video' | 'file', id: string, unbox: string, alt: string }} Attached */

const LINE = /^(!?)\[((?:\\.|[^\\[\]\n])*)\]\((&[A-Za-z0-9+/]{43}=\.sha256)(?:\?unbox=([A-Za-z0-9+/=]{44}\.boxs))?\)$/;

/** @param {string} line @returns {Attached | null} */
function read(line) {
	const found = LINE.exec(line);
	if (!found) {
		return null;
	}
	const [, mark, words, id, unbox = ''] = found;
	const as = mark ? /^(audio|video):/.exec(words)?.[1] : undefined;
	const kind = /** @type {Attached['kind']} */ (mark ? as ?? 'picture' : 'file');
	return { kind, id, unbox, alt: words.slice(as ? as.length + 1 : 0).replace(/\\(.)/g, '$1') };
}

/** @param {Attached} one */
function written({ kind, id, unbox, alt }) {
	const words = alt.replace(/[\r\n]+/g, ' ').replace(/[\\[\]`*<&]/g, '\\$&');
	const as = kind === 'audio' || kind === 'video' ? `${kind}:` : '';
	return `${kind === 'file' ? '' : '!'}[${as}${words}](${id}${unbox && `?unbox=${unbox}`})`;
}

/** The words, and what is attached below them. @param {string} text @returns {{ text: string, list: Attached[] }} */
export function split(text) {
	/** @type {Attached[]} */
	const list = [];
	if (!text.endsWith(')')) {
		return { text, list };
	}
	const lines = text.split('\n');
	let at = lines.length;
	for (let one; at > 0 && (one = read(lines[at - 1])); at--) {
		list.unshift(one);
	}
	if (at > 0 && (lines[at - 1] !== '' || at === 1)) {
		return { text, list: [] };
	}
	return { text: lines.slice(0, Math.max(0, at - 1)).join('\n'), list };
}

/** @param {string} text @param {Attached[]} list */
export const join = (text, list) => (list.length === 0 ? text : `${text}${text && '\n\n'}${list.map(written).join('\n')}`);

/** @param {string} text as base64url */
const forPath = (text) => text.replace(/\+/g, '-').replace(/\//g, '_');

/** Where a blob is, for elements of the page. The gate lets no escaped slash through. @param {string} id @param {string} [unbox] */
export const blobPath = (id, unbox) => `/blob/${forPath(id.slice(1, 44))}${unbox ? `?unbox=${forPath(unbox)}` : ''}`;

/** What it is called when it is saved, and from where. @param {string} id @param {string} [unbox] @param {string} [name] */
export function saving(id, unbox, name = '') {
	const plain = name.replace(/[\\/:*?"<>|\p{C}]/gu, '_').slice(0, 100) || 'file';
	return { href: `${blobPath(id, unbox)}${unbox ? '&' : '?'}name=${encodeURIComponent(plain)}`, download: plain };
}
