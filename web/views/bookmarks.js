/**
 * views/bookmarks: posts the owner keeps, latest kept first. Nobody else can see them.
 */
import '../lib/lang/en-more.js';
import { html, useValue } from '../lib/html.js';
import { t } from '../lib/text.js';
import { kept, refresh } from '../lib/state.js';
import { Empty } from '../parts/bits.js';
import { PostList } from '../parts/list.js';
import { Page } from '../parts/shell.js';

export default function Bookmarks() {
	const again = useValue(refresh);
	const changes = useValue(kept);
	return html`<${Page} title=${t('keep.title')} back>
		<p class="lead-note">${t('keep.intro')}</p>
		<${PostList} path="bookmarks" label=${t('keep.title')} end=${t('keep.end')} again=${`${again} ${changes}`} empty=${html`<${Empty} said=${t('keep.empty')} then=${t('keep.emptyDo')} />`} />
	<//>`;
}
