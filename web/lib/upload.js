/**
 * lib/upload: bytes to the node, telling how far they are: what fetch cannot do.
 */
import { ApiError, memory, read } from './api.js';
import { base } from './base.js';
import { t } from './text.js';
import { noteBlob } from './state.js';

/**
 * @param {Blob} blob
 * @param {{ seal?: boolean, onPart?: (part: number) => void, signal?: AbortSignal }} [how] `seal`: so that only readers of a private message can open it
 * @returns {Promise<{ id: string, bytes: number, mime: string, unbox: string | null }>}
 */
export function upload(blob, { seal = false, onPart, signal } = {}) {
	return new Promise((resolve, reject) => {
		const way = new XMLHttpRequest();
		const away = () => reject(new ApiError(0, { code: 'offline', said: t('error.offline') }));
		way.open('PUT', `${base}/api/blob?draft=1${seal ? '&seal=1' : ''}`);
		way.setRequestHeader('X-Kith-Token', memory.get('token') ?? '');
		way.setRequestHeader('Content-Type', 'application/octet-stream');
		way.upload.onprogress = (event) => onPart?.(event.lengthComputable ? event.loaded / event.total : 0);
		way.onerror = away;
		way.ontimeout = away;
		way.onload = () =>
			read(new Response(way.responseText, { status: way.status || 500 })).then((answer) => {
				noteBlob({ id: answer.id, have: true, mime: answer.mime, bytes: answer.bytes });
				resolve(answer);
			}, reject);
		signal?.addEventListener('abort', () => way.abort());
		way.onabort = () => reject(new ApiError(0, { code: 'stopped', said: '' }));
		way.send(blob);
	});
}
