/**
 * parts/crop: a face out of a picture: a square of it, moved by dragging or by keys, larger and smaller, seen as it will look; then sent to the node.
 */
import '../lib/lang/en-more.js';
import { html, useEffect, useRef, useState } from '../lib/html.js';
import { ApiError, saidOf } from '../lib/api.js';
import { Refused, canvasOf, encode, look, redraw } from '../lib/redraw.js';
import { sheet } from '../lib/sheet.js';
import { t } from '../lib/text.js';
import { upload } from '../lib/upload.js';
import { show } from './dialog.js';

const SIDE = 512;
const ZOOM_MAX = 5;
const STEP = 0.04;

/** @param {any} error @param {string} name */
const wordsOf = (error, name) => (error instanceof Refused ? error.said(name) : saidOf(error));

/** Which square of the picture is seen. @param {HTMLImageElement} image @param {{ x: number, y: number, zoom: number }} at the middle, as parts of the picture */
function squareOf({ naturalWidth: w, naturalHeight: h }, { x, y, zoom }) {
	const side = Math.min(w, h) / zoom;
	return { side, left: Math.max(0, Math.min(w - side, x * w - side / 2)), top: Math.max(0, Math.min(h - side, y * h - side / 2)) };
}

/** @param {HTMLImageElement} image @param {{ x: number, y: number, zoom: number }} at @param {number} side */
function drawSquare(image, at, side) {
	const from = squareOf(image, at);
	const { canvas, pen } = canvasOf(side, side);
	pen.drawImage(image, from.left, from.top, from.side, from.side, 0, 0, side, side);
	return canvas;
}

/** As it will look: as a tile here, round in other programs. @param {{ image: HTMLImageElement | null, at: { x: number, y: number, zoom: number }, kind: string }} props */
function Look({ image, at, kind }) {
	const box = useRef(/** @type {HTMLElement | null} */ (null));
	useEffect(() => {
		if (image) {
			box.current?.replaceChildren(drawSquare(image, at, 128));
		}
	}, [image, at]);
	return html`<span class=${`crop-look ${kind}`} ref=${box}></span>`;
}

/** @param {{ url: string, name: string, onTake: (id: string) => void, onClose: () => void }} props */
function Crop({ url, name, onTake, onClose }) {
	const [image, setImage] = useState(/** @type {HTMLImageElement | null} */ (null));
	const [at, setAt] = useState({ x: 0.5, y: 0.5, zoom: 1 });
	const [part, setPart] = useState(-1);
	const [error, setError] = useState('');
	const stage = useRef(/** @type {HTMLElement | null} */ (null));
	const last = useRef(/** @type {{ x: number, y: number } | null} */ (null));
	useEffect(() => stage.current?.focus(), []);
	/** The middle stays where the square is inside the picture. @param {{ x?: number, y?: number, zoom?: number }} to */
	const move = (to) =>
		setAt((old) => {
			const next = { ...old, ...to };
			next.zoom = Math.max(1, Math.min(ZOOM_MAX, next.zoom));
			if (!image) {
				return next;
			}
			const { left, top, side } = squareOf(image, next);
			return { zoom: next.zoom, x: (left + side / 2) / image.naturalWidth, y: (top + side / 2) / image.naturalHeight };
		});
	/* Which part of the picture a point of the screen is. */
	const scale = () => (image && stage.current ? squareOf(image, at).side / stage.current.clientWidth : 1);
	const onDown = (/** @type {PointerEvent} */ event) => {
		stage.current?.setPointerCapture(event.pointerId);
		last.current = { x: event.clientX, y: event.clientY };
	};
	const onMove = (/** @type {PointerEvent} */ event) => {
		if (last.current && image) {
			const [x, y] = [event.clientX - last.current.x, event.clientY - last.current.y];
			last.current = { x: event.clientX, y: event.clientY };
			move({ x: at.x - (x * scale()) / image.naturalWidth, y: at.y - (y * scale()) / image.naturalHeight });
		}
	};
	const onUp = () => {
		last.current = null;
	};
	const onKey = (/** @type {KeyboardEvent} */ event) => {
		const by = STEP / at.zoom;
		/** @type {Record<string, any>} */
		const keys = { ArrowLeft: { x: at.x - by }, ArrowRight: { x: at.x + by }, ArrowUp: { y: at.y - by }, ArrowDown: { y: at.y + by }, '+': { zoom: at.zoom * 1.1 }, '=': { zoom: at.zoom * 1.1 }, '-': { zoom: at.zoom / 1.1 } };
		if (keys[event.key]) {
			event.preventDefault();
			move(keys[event.key]);
		}
	};
	const onWheel = (/** @type {WheelEvent} */ event) => {
		event.preventDefault();
		move({ zoom: at.zoom * (event.deltaY < 0 ? 1.08 : 1 / 1.08) });
	};
	const take = async () => {
		if (!image || part >= 0) {
			return;
		}
		setError('');
		setPart(0);
		try {
			const canvas = drawSquare(image, at, Math.min(SIDE, Math.round(Math.min(image.naturalWidth, image.naturalHeight))));
			const answer = await upload(await encode(canvas, false), { onPart: setPart });
			onTake(answer.id);
			onClose();
		} catch (problem) {
			setError(wordsOf(problem, name));
			setPart(-1);
		}
	};
	const square = image && squareOf(image, at);
	const style = square && { width: `${(100 * image.naturalWidth) / square.side}%`, left: `${(-100 * square.left) / square.side}%`, top: `${(-100 * square.top) / square.side}%` };
	return html`<h2 id="dialog-title">${t('crop.title')}</h2>
		<p class="note" id="crop-hint">${t('crop.hint')}</p>
		<div class="crop-stage" ref=${stage} tabindex="0" role="group" aria-label=${t('crop.area')} aria-describedby="crop-hint"
			onPointerDown=${onDown} onPointerMove=${onMove} onPointerUp=${onUp} onPointerCancel=${onUp} onKeyDown=${onKey} onWheel=${onWheel}>
			<img src=${url} alt="" draggable=${false} style=${style ?? {}} onLoad=${(/** @type {any} */ e) => setImage(e.target)} />
		</div>
		<label class="crop-zoom"><span>${t('crop.zoom')}</span><input type="range" min="1" max=${ZOOM_MAX} step="0.01" value=${at.zoom} onInput=${(/** @type {any} */ e) => move({ zoom: Number(e.target.value) })} /></label>
		<div class="crop-looks" role="group" aria-label=${t('crop.looks')}><span class="note" aria-hidden="true">${t('crop.looks')}</span>
			<${Look} image=${image} at=${at} kind="tile" /><${Look} image=${image} at=${at} kind="round" /><${Look} image=${image} at=${at} kind="tile tiny" /></div>
		${error && html`<p class="slip" role="alert">${error} ${t('error.notLost')}</p>`}
		${part >= 0 && html`<progress max="1" value=${part} aria-label=${t('attach.sending', { n: Math.round(part * 100) })}></progress>`}
		<div class="dialog-actions"><button type="button" class="button" onClick=${onClose}>${t('dialog.cancel')}</button>
			<button type="button" class="button strong" aria-disabled=${!image || part >= 0} onClick=${take}>${t('crop.take')}</button></div>`;
}

/** Throws, with a sentence, when it is no picture. @param {File} file @returns {Promise<string>} the id of the face; '' when it was not wanted */
export async function faceFrom(file) {
	let made;
	try {
		made = await redraw({ ...(await look(file)), moving: null }, 'medium');
	} catch (error) {
		throw new ApiError(0, { code: 'refused', said: wordsOf(error, file.name) });
	}
	await sheet('later');
	const url = URL.createObjectURL(made.blob);
	let taken = '';
	await show((close) => html`<${Crop} url=${url} name=${file.name} onTake=${(/** @type {string} */ id) => (taken = id)} onClose=${close} />`);
	URL.revokeObjectURL(url);
	return taken;
}
