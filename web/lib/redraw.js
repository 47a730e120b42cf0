/**
 * lib/redraw: a picture from a file, turned upright, made smaller and drawn anew, so that nothing but its points is left: no place, no camera, no name.
 * What a browser could choke on is measured by its first bytes before it is decoded.
 */
import { bytes, t } from './text.js';

/** A blob is shorter than 5 MiB on every node of the network. */
export const BYTES_MAX = 5 * 1024 * 1024 - 1;
/** The longer side of each size. */
export const SIDES = { small: 800, medium: 1600, original: 8000 };
/** More points than this are not decoded: four bytes each, twice. */
const POINTS_MAX = 100e6;
/** Of a file of which nothing can be measured. */
const BLIND_BYTES_MAX = 20e6;
const FILE_BYTES_MAX = 100e6;
/** A moving picture is looked through whole. */
const MOVING_BYTES_MAX = 20e6;
const DECODE_MS = 60000;
const QUALITY = 0.82;
const HEAD_BYTES = 1 << 20;
/** What browsers decode without running anything: no SVG. */
const RASTER = /^image\/(jpeg|png|webp|gif|avif|bmp|x-ms-bmp|apng|heic|heif|jxl)$/;

/** @typedef {'small' | 'medium' | 'original'} Size */
/** Why a picture cannot be taken: the key of a sentence, and its values. */
export class Refused extends Error {
	/** @param {string} key @param {Record<string, number | string>} [values] */
	constructor(key, values = {}) {
		super(key);
		this.key = key;
		this.values = values;
	}

	/** In words. @param {string} name of the file */
	said(name) {
		const { size = 0, ...values } = this.values;
		return t(this.key, { name, ...values, size: bytes(Number(size)) });
	}
}

/** @param {Uint8Array} at @param {number} from @param {string} text */
const says = (at, from, text) => [...text].every((c, i) => at[from + i] === c.charCodeAt(0));

/** A JPEG's points, and whether it lies on its side. @param {Uint8Array} at @param {DataView} view */
function readJpeg(at, view) {
	let isTurned = false;
	for (let i = 2; i + 9 < at.length && at[i] === 0xff; ) {
		const marker = at[i + 1];
		if (marker === 0xff) {
			i++;
			continue;
		}
		const length = view.getUint16(i + 2);
		if (marker === 0xe1 && says(at, i + 4, 'Exif')) {
			isTurned = orientation(new DataView(at.buffer, at.byteOffset + i + 10, Math.max(0, Math.min(length - 8, at.length - i - 10)))) > 4;
		}
		if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)) {
			const [h, w] = [view.getUint16(i + 5), view.getUint16(i + 7)];
			return isTurned ? { w: h, h: w } : { w, h };
		}
		i += 2 + length;
	}
	return null;
}

/** The way a camera was held, 1 to 8. @param {DataView} tiff */
function orientation(tiff) {
	try {
		const isLittle = tiff.getUint16(0) === 0x4949;
		const first = tiff.getUint32(4, isLittle);
		for (let i = 0, n = tiff.getUint16(first, isLittle); i < n; i++) {
			if (tiff.getUint16(first + 2 + i * 12, isLittle) === 0x112) {
				return tiff.getUint16(first + 10 + i * 12, isLittle);
			}
		}
	} catch {
		/* it ends before it should */
	}
	return 1;
}

/** @param {Uint8Array} at @param {DataView} view */
function readWebp(at, view) {
	if (says(at, 12, 'VP8X')) {
		return { w: 1 + (view.getUint32(24, true) & 0xffffff), h: 1 + (view.getUint32(26, true) >>> 8), isMoving: (at[20] & 2) !== 0 };
	}
	if (says(at, 12, 'VP8L')) {
		const bits = view.getUint32(21, true);
		return { w: 1 + (bits & 0x3fff), h: 1 + ((bits >> 14) & 0x3fff) };
	}
	return { w: view.getUint16(26, true) & 0x3fff, h: view.getUint16(28, true) & 0x3fff };
}

/** AVIF and its like say their size in a box called ispe. @param {Uint8Array} at @param {DataView} view */
function readIspe(at, view) {
	let most = null;
	for (let i = 4; i + 16 <= Math.min(at.length, 1 << 16); i++) {
		if (at[i] === 0x69 && says(at, i, 'ispe')) {
			const [w, h] = [view.getUint32(i + 8), view.getUint32(i + 12)];
			most = !most || w * h > most.w * most.h ? { w, h } : most;
		}
	}
	return most;
}

/**
 * What the first bytes say of a picture; null when they say nothing.
 * @param {Uint8Array} at @returns {{ w: number, h: number, kind: string, isMoving?: boolean } | null}
 */
export function measure(at) {
	const view = new DataView(at.buffer, at.byteOffset, at.byteLength);
	try {
		if (at[0] === 0xff && at[1] === 0xd8) {
			const size = readJpeg(at, view);
			return size && { ...size, kind: 'jpeg' };
		}
		if (says(at, 1, 'PNG')) {
			return { w: view.getUint32(16), h: view.getUint32(20), kind: 'png', isMoving: says(at, 37, 'acTL') };
		}
		if (says(at, 0, 'GIF8')) {
			return { w: view.getUint16(6, true), h: view.getUint16(8, true), kind: 'gif' };
		}
		if (says(at, 0, 'RIFF') && says(at, 8, 'WEBP')) {
			return { ...readWebp(at, view), kind: 'webp' };
		}
		if (says(at, 4, 'ftyp')) {
			const size = readIspe(at, view);
			return size && { ...size, kind: 'avif' };
		}
		if (says(at, 0, 'BM')) {
			return { w: Math.abs(view.getInt32(18, true)), h: Math.abs(view.getInt32(22, true)), kind: 'bmp' };
		}
	} catch {
		/* it ends before it should */
	}
	return null;
}

/** Is it a picture, as far as the browser can tell by its name? @param {File} file */
export const isPicture = (file) => RASTER.test(file.type) || (!file.type && /\.(jpe?g|png|webp|gif|avif|bmp|heic|heif)$/i.test(file.name));

/** @template T @param {Promise<T>} promise @returns {Promise<T>} */
const inTime = (promise) => Promise.race([promise, new Promise((_, reject) => setTimeout(() => reject(new Refused('attach.slow')), DECODE_MS))]);

/** Upright and at most so large; without the browser's own way of making it smaller, drawn whole. @param {Blob} file @param {number} w @param {number} h @returns {Promise<CanvasImageSource>} */
async function decode(file, w, h) {
	try {
		const bitmap = await createImageBitmap(file, w ? { resizeWidth: w, resizeHeight: h, resizeQuality: 'high', imageOrientation: 'from-image' } : {});
		if (!w || (bitmap.width === w && bitmap.height === h)) {
			return bitmap;
		}
		bitmap.close();
	} catch {
		/* some browsers read only through an element, or know no sizes here */
	}
	const image = new Image();
	image.src = URL.createObjectURL(file);
	try {
		await image.decode();
		return image;
	} catch {
		throw new Refused('attach.broken');
	} finally {
		setTimeout(() => URL.revokeObjectURL(image.src), 0);
	}
}

/** @param {number} w @param {number} h */
export function canvasOf(w, h) {
	const canvas = document.createElement('canvas');
	canvas.width = w;
	canvas.height = h;
	const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
	pen.imageSmoothingQuality = 'high';
	return { canvas, pen };
}

/** @param {HTMLCanvasElement} canvas @param {string} type @param {number} [quality] @returns {Promise<Blob>} */
const toBlob = (canvas, type, quality) => new Promise((resolve, reject) => canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Refused('attach.broken'))), type, quality));

/** Some browsers give pages noise instead of what they drew. */
function isCanvasTrue() {
	const { pen } = canvasOf(4, 4);
	pen.fillStyle = '#f00';
	pen.fillRect(0, 0, 4, 4);
	const at = pen.getImageData(0, 0, 4, 4).data;
	return at.every((value, i) => Math.abs(value - (i % 4 === 0 || i % 4 === 3 ? 255 : 0)) < 8);
}

/** @param {CanvasRenderingContext2D} pen @param {number} w @param {number} h */
function seesThrough(pen, w, h) {
	const at = pen.getImageData(0, 0, w, h).data;
	for (let i = 3; i < at.length; i += 4) {
		if (at[i] < 255) {
			return true;
		}
	}
	return false;
}

/** What is drawn on a canvas, as a file. Lines and letters stay sharp where that costs little. @param {HTMLCanvasElement} canvas @param {boolean} isDrawn @param {number} [quality] */
export async function encode(canvas, isDrawn, quality = QUALITY) {
	const webp = await toBlob(canvas, 'image/webp', quality);
	const isWebp = webp.type === 'image/webp';
	const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
	const png = isDrawn || (!isWebp && seesThrough(pen, canvas.width, canvas.height)) ? (isWebp ? await toBlob(canvas, 'image/png') : webp) : null;
	if (png && (!isWebp ? seesThrough(pen, canvas.width, canvas.height) || png.size < 300e3 : png.size < Math.max(webp.size * 1.3, 60e3))) {
		return png;
	}
	return isWebp ? webp : toBlob(canvas, 'image/jpeg', quality);
}

/** @param {{ w: number, h: number }} size @param {number} side */
export function fit({ w, h }, side) {
	const by = Math.min(1, side / Math.max(w, h));
	return { w: Math.max(1, Math.round(w * by)), h: Math.max(1, Math.round(h * by)) };
}

/**
 * @typedef {{ file: File, w: number, h: number, kind: string, isMoving: boolean, moving: Blob | null }} Look what a file is; `moving`: as it is, but for what is hidden in it
 * @typedef {{ blob: Blob, w: number, h: number, isStill: boolean, isKept: boolean }} Redrawn
 */

/** @param {File} file @returns {Promise<Look>} */
export async function look(file) {
	if (file.size > FILE_BYTES_MAX) {
		throw new Refused('attach.huge', { size: file.size });
	}
	const head = new Uint8Array(await file.slice(0, HEAD_BYTES).arrayBuffer());
	const found = measure(head);
	if (!found ? file.size > BLIND_BYTES_MAX : found.w * found.h > POINTS_MAX) {
		throw new Refused('attach.points', { n: found ? Math.round((found.w * found.h) / 1e6) : 100, most: POINTS_MAX / 1e6 });
	}
	if (found && (found.w === 0 || found.h === 0)) {
		throw new Refused('attach.broken');
	}
	let moving = null;
	let isMoving = found?.isMoving === true;
	if (found && (found.kind === 'gif' || (found.kind === 'webp' && isMoving)) && file.size <= MOVING_BYTES_MAX) {
		const { clean } = await import('./moving.js');
		moving = clean(new Uint8Array(await file.arrayBuffer()), found.kind);
		isMoving = moving !== null;
	}
	return { file, w: found?.w ?? 0, h: found?.h ?? 0, kind: found?.kind ?? '', isMoving, moving: moving && moving.size <= BYTES_MAX ? moving : null };
}

/** @param {Look} at @param {Size} size @returns {Promise<Redrawn>} */
export async function redraw(at, size) {
	if (at.moving) {
		return { blob: at.moving, w: at.w, h: at.h, isStill: false, isKept: true };
	}
	if (!isCanvasTrue()) {
		throw new Refused('attach.noise');
	}
	const known = at.w ? fit(at, SIDES[size]) : { w: 0, h: 0 };
	const drawn = await inTime(decode(at.file, known.w, known.h));
	const whole = drawn instanceof HTMLImageElement ? { w: drawn.naturalWidth, h: drawn.naturalHeight } : { w: /** @type {any} */ (drawn).width, h: /** @type {any} */ (drawn).height };
	let { w, h } = fit(whole, SIDES[size]);
	const isDrawn = at.kind === 'png' || at.kind === 'gif' || at.kind === 'bmp';
	for (let quality = QUALITY; ; quality -= 0.2) {
		const { canvas, pen } = canvasOf(w, h);
		pen.drawImage(drawn, 0, 0, w, h);
		const blob = await inTime(encode(canvas, isDrawn && quality === QUALITY, quality));
		canvas.width = 0; /* its memory is given back at once */
		if (blob.size <= BYTES_MAX || quality < 0.3) {
			/** @type {any} */ (drawn).close?.();
			return { blob, w, h, isStill: at.isMoving, isKept: false };
		}
		({ w, h } = fit({ w, h }, Math.max(w, h) * 0.8));
	}
}
