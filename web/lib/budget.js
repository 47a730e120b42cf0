/**
 * lib/budget: how much room a post has. The protocol counts UTF-16 units of the signed form; what stands around the text is guessed first, a little too
 * high, and measured by the node when it begins to matter.
 */
import { useEffect, useRef, useState } from './html.js';
import { post } from './api.js';

export const LIMIT = 8192;
const NEAR = 1000;
const AROUND_POST = 450;
const AROUND_REPLY = 300;
const AROUND_MENTION = 150;
const REFERENCE = /\]\([@%&]|#[\p{L}\p{N}]/gu;

/** @param {{ text: string, cw?: string }} body */
const written = (body) => JSON.stringify(body.text).length + JSON.stringify(body.cw ?? '').length;

/** @param {{ text: string, cw?: string, root?: string }} body */
function guess(body) {
	return AROUND_POST + (body.root ? AROUND_REPLY : 0) + AROUND_MENTION * (body.text.match(REFERENCE)?.length ?? 0);
}

/**
 * Units left for this body: exact, once the node has counted a text with the same things in it.
 * @param {{ text: string, cw?: string, root?: string, branch?: string[] }} body
 * @returns {number}
 */
export function useUnitsLeft(body) {
	const [around, setAround] = useState(0);
	const asked = useRef('');
	const guessed = guess(body);
	const left = LIMIT - written(body) - (around || guessed);
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
