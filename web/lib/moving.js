/**
 * lib/moving: moving pictures (GIF, WebP) without what is hidden in them. Drawing them anew would stop them, so their parts are walked through and only those
 * that are needed to show them are copied.
 */

/** Loops: the only notes of programs that change what is seen. */
const LOOPS = ['NETSCAPE2.0', 'ANIMEXTS1.0'];
const FRAME_CHUNKS = ['ALPH', 'VP8 ', 'VP8L'];

/** @param {Uint8Array} at @param {number} from @param {number} n */
const text = (at, from, n) => String.fromCharCode(...at.subarray(from, from + n));

/** The end of a GIF's list of small blocks. @param {Uint8Array} at @param {number} from */
function blocksEnd(at, from) {
	while (at[from] > 0) {
		from += 1 + at[from];
	}
	return from + 1;
}

/** @param {Uint8Array} at @returns {{ parts: Uint8Array[], frames: number } | null} */
function walkGif(at) {
	const table = (/** @type {number} */ flags) => (flags & 0x80 ? 3 * 2 ** ((flags & 7) + 1) : 0);
	let i = 13 + table(at[10]);
	const parts = [at.subarray(0, i)];
	let frames = 0;
	while (i < at.length) {
		const from = i;
		if (at[i] === 0x2c) {
			i = blocksEnd(at, i + 11 + table(at[i + 9]));
			frames++;
		} else if (at[i] === 0x21) {
			const isKept = at[i + 1] === 0xf9 || (at[i + 1] === 0xff && LOOPS.includes(text(at, i + 3, 11)));
			i = blocksEnd(at, i + 2);
			if (!isKept) {
				continue;
			}
		} else {
			break;
		}
		if (i > at.length) {
			return null;
		}
		parts.push(at.subarray(from, i));
	}
	return { parts: [...parts, Uint8Array.of(0x3b)], frames };
}

/** The parts of a file of chunks. @param {Uint8Array} at @param {number} from @param {number} end */
function* chunks(at, from, end) {
	const view = new DataView(at.buffer, at.byteOffset, at.byteLength);
	for (let i = from; i + 8 <= end; ) {
		const size = view.getUint32(i + 4, true);
		const next = i + 8 + size + (size & 1);
		if (i + 8 + size > end) {
			return;
		}
		yield { name: text(at, i, 4), whole: at.subarray(i, Math.min(next, end)), from: i + 8, end: i + 8 + size };
		i = next;
	}
}

/** @param {string} name @param {Uint8Array[]} parts @returns {Uint8Array[]} */
function chunk(name, parts) {
	const size = parts.reduce((sum, part) => sum + part.length, 0);
	const head = new Uint8Array(8);
	head.set([...name].map((c) => c.charCodeAt(0)));
	new DataView(head.buffer).setUint32(4, size, true);
	return [head, ...parts];
}

/** @param {Uint8Array} at @returns {{ parts: Uint8Array[], frames: number } | null} */
function walkWebp(at) {
	/** @type {Uint8Array[]} */
	const inner = [];
	let frames = 0;
	for (const { name, whole, from, end } of chunks(at, 12, at.length)) {
		if (name === 'VP8X') {
			const head = whole.slice();
			head[8] &= 0x12; /* moves, is seen through; no colour profile, no notes */
			inner.push(head);
		} else if (name === 'ANIM') {
			inner.push(whole);
		} else if (name === 'ANMF') {
			const kept = [...chunks(at, from + 16, end)].filter((one) => FRAME_CHUNKS.includes(one.name)).map((one) => one.whole);
			inner.push(...chunk('ANMF', [at.subarray(from, from + 16), ...kept]));
			frames++;
		}
	}
	const size = inner.reduce((sum, part) => sum + part.length, 4);
	const head = new Uint8Array(12);
	head.set(at.subarray(0, 12));
	new DataView(head.buffer).setUint32(4, size, true);
	return { parts: [head, ...inner], frames };
}

/** Without its notes; null when it does not move, or cannot be understood. @param {Uint8Array} at @param {string} kind @returns {Blob | null} */
export function clean(at, kind) {
	const found = kind === 'gif' ? walkGif(at) : walkWebp(at);
	return found && found.frames > 1 ? new Blob(/** @type {any} */ (found.parts), { type: `image/${kind}` }) : null;
}
