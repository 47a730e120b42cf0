/**
 * views/tag: posts with one tag, by everyone this node holds, newest first.
 */
import '../lib/lang/en-more.js';
import { html, useValue } from '../lib/html.js';
import { t } from '../lib/text.js';
import { changed, refresh } from '../lib/state.js';
import { Empty } from '../parts/bits.js';
import { PostList } from '../parts/list.js';
import { Page } from '../parts/shell.js';

/** @param {string} text */
function plain(text) {
	try {
		return decodeURIComponent(text);
	} catch {
		return text;
	}
}

/** @param {{ args: string[] }} props */
export default function Tag({ args }) {
	const tag = plain(args[0]);
	const again = useValue(refresh);
	const news = useValue(changed);
	return html`<${Page} title=${`#${tag}`} back>
		<${PostList} path=${`timeline?tab=tag&tag=${encodeURIComponent(tag)}`} label=${t('tag.feed', { tag })} end=${t('tag.end')} again=${`${again} ${news.n}`}
			empty=${html`<${Empty} said=${t('tag.empty', { tag })} then=${t('tag.emptyDo')} />`} />
	<//>`;
}
