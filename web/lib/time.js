/**
 * lib/time: times as people say them. Only the exact time, which is told on demand, needs Intl (see lib/text format).
 */
import { format, t, tongue } from './text.js';

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
	const day = { d: String(date.getDate()), month: tongue.months[date.getMonth()], y: String(date.getFullYear()) };
	return t(date.getFullYear() === new Date(now).getFullYear() ? 'time.date' : 'time.dateYear', day);
}

/** "12 Mar 2024". @param {number} at ms */
export function day(at) {
	const date = new Date(at);
	return t('time.dateYear', { d: String(date.getDate()), month: tongue.months[date.getMonth()], y: String(date.getFullYear()) });
}

/** "Tuesday, 12 March 2026 at 14:05", as one says it where the reader is. @param {number} at ms */
export function full(at) {
	return format('full', (locale) => new Intl.DateTimeFormat(locale, { dateStyle: 'full', timeStyle: 'short' })).format(at);
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
