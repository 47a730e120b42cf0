/**
 * lib/budget: how much room a post has. The protocol counts UTF-16 units of the signed form; what stands around the text is guessed first, a little too
 * high, and measured by the node when it begins to matter. Private words are sealed before they are signed: bytes instead of units, four for three, and
 * more for each reader.
 */
import { useEffect, useRef, useState } from './html.js';
import { post } from './api.js';

export const LIMIT = 8192;
const NEAR = 1000;
const AROUND_POST = 450;
const AROUND_REPLY = 300;
const AROUND_MENTION = 150;
/* A name stands in the text and once more beside it. */
const REFERENCE = /\[((?:\\.|[^\]\\])*)\]\([@%&]|#[\p{L}\p{N}]/gu;

const SEALED = 4 / 3;
const AROUND_READER = 190;

/** @param {{ text: string, cw?: string, readers?: string[] }} body */
function written(body) {
	const both = JSON.stringify(body.text) + JSON.stringify(body.cw ?? '');
	return body.readers ? new TextEncoder().encode(both).length * SEALED : both.length;
}

/** @param {{ text: string, cw?: string, root?: string, readers?: string[] }} body */
function guess(body) {
	const around = (body.root ? AROUND_REPLY : 0) + [...body.text.matchAll(REFERENCE)].reduce((sum, [, name = '']) => sum + AROUND_MENTION + name.length, 0);
	return AROUND_POST + (body.readers ? around * SEALED + AROUND_READER * (body.readers.length + 1) : around);
}

/**
 * Units left for this body: exact, once the node has counted a text with the same things in it.
 * @param {{ text: string, cw?: string, root?: string, branch?: string[], readers?: string[] }} body
 * @returns {number}
 */
export function useUnitsLeft(body) {
	const [around, setAround] = useState(0);
	const asked = useRef('');
	const guessed = guess(body);
	const left = Math.floor((LIMIT - written(body) - (around || guessed)) / (body.readers ? SEALED : 1));
	const isNear = left <= NEAR && body.text.trim() !== '';
	const key = isNear ? JSON.stringify(body) : '';
	useEffect(() => {
		setAround(0);
	}, [guessed]);
	useEffect(() => {
		if (!key || asked.current === key) {
			return undefined;
		}
		const timer = setTimeout(async () => {
			asked.current = key;
			try {
				const { units } = await post('measure', body);
				setAround(units - written(body));
			} catch {
				/* out of reach: the guess stands */
			}
		}, 300);
		return () => clearTimeout(timer);
	}, [key]);
	return left;
}
