/**
 * lib/api: the node's HTTP interface (server/API.md), one function per direction.
 */
import { base } from './base.js';
import { english, t, tongue } from './text.js';

/** What went wrong, whether anything was lost, and where to go. */
export class ApiError extends Error {
	/** @param {number} status @param {{ code: string, said: string, lost?: boolean, do?: string | null }} what @param {number} [draft] */
	constructor(status, what, draft = 0) {
		super(what.said);
		this.status = status;
		this.code = what.code;
		this.said = what.said;
		this.lost = what.lost === true;
		this.do = what.do ?? null;
		/* The number under which the node keeps what it did not sign; 0: none. */
		this.draft = draft;
		/* Of a refusal: seconds until it may be tried again. */
		this.wait = 0;
		/** Of a node that is starting: how far it is. @type {{ done: number, of: number } | null} */
		this.part = null;
		/** Of a draft that another device changed: what it is now. @type {any} */
		this.now = null;
	}
}

/** What to say about something that was not signed: kept as a draft, or what went wrong. @param {any} error */
export const saidOf = (error) => (!(error instanceof ApiError) ? t('error.broken') : error.draft ? t('write.keptDraft', { n: error.draft }) : error.said);

/** Small things this browser remembers. Storage can be switched off; then it forgets, and nothing else changes. */
export const memory = {
	/** @param {string} key @returns {string | null} */
	get(key) {
		try {
			return localStorage.getItem(`kith${base}.${key}`);
		} catch {
			return null;
		}
	},
	/** What it remembers that begins so. @param {string} start @returns {string[]} */
	names(start) {
		try {
			return Object.keys(localStorage).flatMap((key) => (key.startsWith(`kith${base}.${start}`) ? [key.slice(`kith${base}.`.length)] : []));
		} catch {
			return [];
		}
	},
	/** @param {string} key @param {string | null} value */
	set(key, value) {
		try {
			if (value === null) {
				localStorage.removeItem(`kith${base}.${key}`);
			} else {
				localStorage.setItem(`kith${base}.${key}`, value);
			}
		} catch {
			/* nothing to do: see above */
		}
	},
};

/** What every answer may say beside its own matter: the session is over, the node waits for its passphrase or is still starting, this device may only read. */
export const door = { on401: (/** @type {string} */ _ = '') => {}, on423: () => {}, onStarting: (/** @type {ApiError} */ _) => {}, onReadOnly: () => {} };

/** The node speaks English; of other languages the page has a sentence for each code. @param {{ code: string, said: string } | undefined} error */
function told(error) {
	const key = `said.${error?.code}`;
	return error && tongue !== english && key in tongue.words ? { ...error, said: t(key, { said: error.said }) } : error;
}

/** @param {Response} answer @param {string | null} [token] what was asked with: a late refusal of an older one says nothing about this session */
export async function read(answer, token = memory.get('token')) {
	let body = null;
	try {
		body = await answer.json();
	} catch {
		/* a proxy's error page, perhaps */
	}
	if (answer.ok && body !== null) {
		return body;
	}
	const error = new ApiError(answer.status, told(body?.error) ?? { code: 'internal', said: t('error.strange', { n: answer.status }) }, body?.draft);
	error.now = body?.now;
	error.wait = Number(answer.headers.get('Retry-After')) || 60;
	error.part = body?.error?.of ? body.error : null;
	if (answer.status === 401) {
		if (token === memory.get('token')) {
			door.on401();
		}
	} else if (answer.status === 423) {
		door.on423();
	} else if (error.code === 'starting') {
		door.onStarting(error);
	} else if (error.code === 'read_only') {
		error.said = t('read.only');
		door.onReadOnly();
	}
	throw error;
}

/**
 * @param {string} method
 * @param {string} path below /api
 * @param {unknown} [body]
 */
async function call(method, path, body) {
	const token = memory.get('token');
	/** @type {Record<string, string>} */
	const headers = { 'X-Kith-Token': token ?? '' };
	if (body !== undefined) {
		headers['Content-Type'] = 'application/json';
	}
	let answer;
	try {
		answer = await fetch(`${base}/api/${path}`, {
			method,
			headers,
			body: body === undefined ? undefined : JSON.stringify(body),
			signal: AbortSignal.timeout?.(30000),
			/* What is sent while the page goes away still arrives. */
			keepalive: method === 'POST' && document.visibilityState === 'hidden',
		});
	} catch {
		throw new ApiError(0, { code: 'offline', said: t('error.offline') });
	}
	return read(answer, token);
}

/** @param {string} path @returns {Promise<any>} */
export const get = (path) => call('GET', path);
/** @param {string} path @param {unknown} body @returns {Promise<any>} */
export const post = (path, body) => call('POST', path, body);
/** @param {string} path @param {unknown} [body] @returns {Promise<any>} */
export const remove = (path, body = {}) => call('DELETE', path, body);
/** The answer boot.js asked for, or a fresh one. @param {Promise<Response> | undefined} early @returns {Promise<any>} */
export async function boot(early) {
	if (early) {
		try {
			return await read(await early);
		} catch (error) {
			if (error instanceof ApiError) {
				throw error;
			}
		}
	}
	return get('boot?limit=20');
}
