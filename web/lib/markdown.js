/**
 * lib/markdown: Scuttlebutt's Markdown dialect (protocol/07 §7) to a small tree; parts/posttext.js draws it. The parser, named here and nowhere else,
 * gives tokens; its own renderer, which makes HTML strings, is never used.
 */
import MarkdownIt from 'markdown-it';
import { idOf, messagePath, personPath } from './text.js';

/**
 * A piece of a post. `kind` is one of a closed set: see parts/posttext.js.
 * @typedef {{ kind: string, kids?: Piece[], text?: string, href?: string, inside?: boolean, lang?: string, start?: number, level?: number,
 *   site?: string, align?: string, who?: string, id?: string, unbox?: string, as?: string }} Piece
 */

const DEPTH_MAX = 8;
const PIECES_MAX = 700;
const SIGIL_ID = /^(?:@[A-Za-z0-9+/ ]{43}=\.ed25519|%[A-Za-z0-9+/ ]{43}=\.sha256|&[A-Za-z0-9+/ ]{43}=\.sha256)(?:\?unbox=[A-Za-z0-9+/= ]{44}\.boxs)?$/;
const SSB_URI = /^ssb:(?:\/\/)?(message|feed)[/:](?:classic|sha256|ed25519)[/:]([A-Za-z0-9_-]{43})=?$/;
const IN_TEXT = /(@[A-Za-z0-9+/]{43}=\.ed25519|[%&][A-Za-z0-9+/]{43}=\.sha256)|((?<![\p{L}\p{N}_/&#-])#[\p{L}\p{N}_-]{1,100})|((?<![\p{L}\p{N}_/.])@[\p{L}\p{N}_-]{1,64})/gu;
/* Something with dots that ends in letters, as hosts do. */
const PLACE = /((?:[\p{L}\p{N}\p{M}-]+\.)+[\p{L}\p{M}]{2,})/gu;
const ALLOWED = /^(?:https?|mailto|ssb):/i;

/** A link's target as an id, or ''. Base64's + arrives raw, as %2B, or as a space. @param {string} href */
function idIn(href) {
	if (href.length > 200) {
		return '';
	}
	let text = href;
	if (!SIGIL_ID.test(text)) {
		try {
			text = decodeURIComponent(href);
		} catch {
			return '';
		}
	}
	return SIGIL_ID.test(text) ? text.replace(/ /g, '+') : '';
}

const parser = new MarkdownIt({ html: false, linkify: true, breaks: true, typographer: false });
const encode = parser.normalizeLink;
const allows = parser.validateLink;
parser.normalizeLink = (/** @type {string} */ url) => idIn(url) || encode.call(parser, url);
parser.validateLink = (/** @type {string} */ url) => idIn(url) !== '' || allows.call(parser, url);
parser.normalizeLinkText = (/** @type {string} */ text) => text; /* it would show xn--e1awd7f.com as Cyrillic "epic" */

/** A blob's id, and what opens it. @param {string} id */
const parted = (id) => ({ id: id.slice(0, 52), unbox: id.slice(59) });

/** @param {string} id @returns {Piece} a link to a person or message; a blob by its name, or the picture that stands in its place */
function toId(id, /** @type {Piece[]} */ kids) {
	if (id[0] === '@') {
		return { kind: 'link', href: personPath(id), inside: true, who: id, text: wordsOf(kids), kids };
	}
	if (id[0] === '%') {
		return { kind: 'link', href: messagePath(id), inside: true, kids };
	}
	return kids.find((kid) => kid.kind === 'blob') ?? { kind: 'file', text: wordsOf(kids), ...parted(id) };
}

/** A picture or a player, when it is a blob; pictures from anywhere else are only words. @param {string} src @param {string} text @returns {Piece} */
function toPicture(src, text) {
	const id = idIn(src);
	const as = /^(audio|video):/.exec(text)?.[1];
	return id[0] === '&' ? { kind: 'blob', as, text: text.slice(as ? as.length + 1 : 0), ...parted(id) } : { kind: 'picture', text };
}

/** A paragraph that is nothing but pictures and files is a gallery. @param {Piece[]} kids @returns {Piece} */
function toParagraph(kids) {
	const rest = kids.filter((kid) => kid.kind !== 'br' && (kid.kind !== 'text' || kid.text?.trim()));
	return rest.length > 0 && rest.every((kid) => kid.kind === 'blob' || kid.kind === 'file') ? { kind: 'gallery', kids: rest } : { kind: 'p', kids };
}

/** All words of some pieces. @param {Piece[]} [kids] @returns {string} */
const wordsOf = (kids) => (kids ?? []).map((kid) => kid.text ?? wordsOf(kid.kids)).join('');

/** A picture's description without its marks. @param {import('markdown-it').Token} token @returns {string} */
const altOf = (token) => (token.children ?? []).map((kid) => (kid.type === 'softbreak' ? ' ' : kid.type === 'image' ? altOf(kid) : kid.content)).join('');

/** Does a text name a place that is not `host`? Look-alikes of the dot count as dots; what is not seen does not count. @param {string} text @param {string} host */
function namesAnother(text, host) {
	const plain = text.normalize('NFKC').replace(/[\p{Cf}\u115F\u3164]/gu, '').replace(/[\u3002\u2024]/g, '.');
	return [...plain.matchAll(PLACE)].some(([, name]) => name.toLowerCase() !== host);
}

/** @param {string} href @param {Piece[]} kids @param {boolean} isBare the address is also the text @returns {Piece} */
function toLink(href, kids, isBare) {
	const id = idIn(href);
	if (id) {
		return toId(id, kids);
	}
	/* What opens something is not inside what leads elsewhere. */
	kids = kids.map((kid) => (kid.kind === 'blob' ? { kind: 'picture', text: kid.text } : kid));
	const uri = SSB_URI.exec(href);
	if (uri) {
		return toId(idOf(uri[1] === 'feed' ? '@' : '%', uri[2]), kids);
	}
	if (!ALLOWED.test(href)) {
		return { kind: 'group', kids };
	}
	let host = '';
	let isNamed = false;
	try {
		const url = new URL(href);
		host = url.hostname;
		isNamed = url.username !== '' && host !== '';
	} catch {
		return { kind: 'group', kids };
	}
	if (isBare) {
		return { kind: 'link', href, kids: host.includes('xn--') ? [{ kind: 'text', text: href }] : kids, site: isNamed ? host : undefined };
	}
	/* A text that looks like one address and leads to another says where it leads. */
	return { kind: 'link', href, kids, site: isNamed || namesAnother(wordsOf(kids), host) ? host : undefined };
}

/** Bare ids, tags and @names inside plain text. @param {string} text @param {Map<string, string>} names @returns {Piece[]} */
function textPieces(text, names) {
	if (!/[@%&#]/.test(text)) {
		return [{ kind: 'text', text }];
	}
	/** @type {Piece[]} */
	const out = [];
	let at = 0;
	for (const found of text.matchAll(IN_TEXT)) {
		const [all, id, tag, name] = found;
		const known = name ? names.get(name.slice(1)) : undefined;
		if (name && !known) {
			continue;
		}
		if (found.index > at) {
			out.push({ kind: 'text', text: text.slice(at, found.index) });
		}
		if (id) {
			out.push(toId(id, [{ kind: 'text', text: id[0] === '@' ? id.slice(0, 9) + '…' : id.slice(0, 8) + '…' }]));
		} else if (tag) {
			out.push({ kind: 'tag', text: all });
		} else {
			out.push(toId(/** @type {string} */ (known), [{ kind: 'text', text: all }]));
		}
		at = found.index + all.length;
	}
	if (at < text.length) {
		out.push({ kind: 'text', text: text.slice(at) });
	}
	return out;
}

/** Kinds of the block and inline tokens that simply contain others. @type {Record<string, string>} */
const CONTAINERS = {
	paragraph: 'p', blockquote: 'quote', bullet_list: 'ul', ordered_list: 'ol', list_item: 'li', em: 'em', strong: 'strong', s: 's',
	table: 'table', thead: 'thead', tbody: 'tbody', tr: 'tr', th: 'th', td: 'td', heading: 'heading', link: 'link',
};

class Builder {
	/** @param {Map<string, string>} names */
	constructor(names) {
		this.names = names;
		this.count = 0;
		/* How many links are open: in one nothing leads elsewhere. */
		this.links = 0;
	}

	/** @param {Piece[]} kids @param {...Piece} pieces */
	add(kids, ...pieces) {
		this.count += pieces.length;
		if (this.count > PIECES_MAX) {
			throw new Error('too many pieces');
		}
		for (const piece of pieces) {
			const last = kids[kids.length - 1];
			if (piece.kind === 'gallery' && last?.kind === 'gallery') {
				last.kids?.push(...(piece.kids ?? []));
			} else {
				kids.push(piece);
			}
		}
	}

	/** @param {import('markdown-it').Token[]} tokens @param {number} depth @returns {Piece[]} */
	run(tokens, depth) {
		/** @type {Piece[]} */
		const top = [];
		/** @type {{ kids: Piece[], token: import('markdown-it').Token | null }[]} */
		const stack = [{ kids: top, token: null }];
		for (const token of tokens) {
			this.links += token.type.startsWith('link_') ? token.nesting : 0;
			const kids = stack[stack.length - 1].kids;
			if (token.nesting === 1) {
				stack.push({ kids: [], token });
			} else if (token.nesting === -1) {
				const done = /** @type {{ kids: Piece[], token: import('markdown-it').Token }} */ (stack.pop());
				const isDeep = depth + stack.length > DEPTH_MAX;
				this.add(stack[stack.length - 1].kids, ...(isDeep ? done.kids : [this.container(done.token, done.kids)]));
			} else {
				this.add(kids, ...this.single(token, depth + stack.length));
			}
		}
		return top;
	}

	/** @param {import('markdown-it').Token} token @param {Piece[]} kids @returns {Piece} */
	container(token, kids) {
		const kind = CONTAINERS[token.type.replace(/_open$/, '')] ?? 'group';
		switch (kind) {
		case 'p':
			return token.hidden ? { kind: 'group', kids } : toParagraph(kids);
		case 'heading':
			return { kind, kids, level: Math.min(6, Number(token.tag.slice(1)) + 2) };
		case 'ol':
			return { kind, kids, start: Number(token.attrGet('start') ?? 1) };
		case 'th':
		case 'td':
			return { kind, kids, align: /(left|right|center)/.exec(String(token.attrGet('style') ?? ''))?.[1] };
		case 'link':
			return toLink(String(token.attrGet('href') ?? ''), kids, token.info === 'auto');
		default:
			return { kind, kids };
		}
	}

	/** @param {import('markdown-it').Token} token @param {number} depth @returns {Piece[]} */
	single(token, depth) {
		switch (token.type) {
		case 'inline':
			return this.run(token.children ?? [], depth);
		case 'text':
		case 'text_special':
			return this.links > 0 ? [{ kind: 'text', text: token.content }] : textPieces(token.content, this.names);
		case 'softbreak':
		case 'hardbreak':
			return [{ kind: 'br' }];
		case 'code_inline':
			return [{ kind: 'code', text: token.content }];
		case 'fence':
		case 'code_block':
			return [{ kind: 'pre', text: token.content }];
		case 'hr':
			return [{ kind: 'hr' }];
		case 'image':
			return [toPicture(String(token.attrGet('src') ?? ''), altOf(token).slice(0, 2000))];
		default:
			return token.content ? [{ kind: 'text', text: token.content }] : [];
		}
	}
}

/**
 * @param {string} text what somebody wrote
 * @param {import('./state.js').Mention[]} [mentions] gives ids to bare @names
 * @returns {Piece[]}
 */
export function parse(text, mentions = []) {
	const names = new Map();
	for (const mention of mentions) {
		if (mention && typeof mention.name === 'string' && typeof mention.link === 'string' && /^@[A-Za-z0-9+/]{43}=\.ed25519$/.test(mention.link)) {
			names.set(mention.name.replace(/^@/, ''), mention.link);
		}
	}
	try {
		return new Builder(names).run(parser.parse(text.replace(/\uFE0F/g, ''), {}), 0);
	} catch {
		return [{ kind: 'plain', text }];
	}
}
