/**
 * lib/time: times as people say them, without Intl (see lib/text figure).
 */
import { months, days } from './lang/en.js';
import { t } from './text.js';

const MINUTE = 60000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** "now", "4 min", "2 h", "3 d", "12 Mar", "12 Mar 2024". @param {number} at ms @param {number} now ms */
export function ago(at, now) {
	const age = now - at;
	if (age < MINUTE) {
		return t('time.now');
	}
	if (age < HOUR) {
		return t('time.min', { n: Math.floor(age / MINUTE) });
	}
	if (age < DAY) {
		return t('time.h', { n: Math.floor(age / HOUR) });
	}
	if (age < 7 * DAY) {
		return t('time.d', { n: Math.floor(age / DAY) });
	}
	const date = new Date(at);
	const day = `${date.getDate()} ${months[date.getMonth()]}`;
	return date.getFullYear() === new Date(now).getFullYear() ? day : `${day} ${date.getFullYear()}`;
}

/** "Tuesday 12 Mar 2026, 14:05". @param {number} at ms */
export function full(at) {
	const date = new Date(at);
	const clock = `${date.getHours()}:${String(date.getMinutes()).padStart(2, '0')}`;
	return `${days[date.getDay()]} ${date.getDate()} ${months[date.getMonth()]} ${date.getFullYear()}, ${clock}`;
}

/** "9:05", "23:09:05": what is left. @param {number} ms */
export function clock(ms) {
	const s = Math.ceil(ms / 1000);
	const two = (/** @type {number} */ n) => String(n).padStart(2, '0');
	const h = Math.floor(s / 3600);
	return `${h > 0 ? `${h}:${two(Math.floor(s / 60) % 60)}` : Math.floor(s / 60)}:${two(s % 60)}`;
}

/** @param {number} ms */
export function span(ms) {
	if (ms < HOUR) {
		return t('span.min', { n: Math.max(1, Math.round(ms / MINUTE)) });
	}
	return ms < 2 * DAY ? t('span.h', { n: Math.round(ms / HOUR) }) : t('span.d', { n: Math.round(ms / DAY) });
}
