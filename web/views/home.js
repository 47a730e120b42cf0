/**
 * views/home: people I follow, newest first; the wider circle beside it. New posts never push what is being read.
 */
import { html, useEffect, useState, useValue } from '../lib/html.js';
import { get } from '../lib/api.js';
import { addTo } from '../lib/lists.js';
import { t } from '../lib/text.js';
import { dropFresh, fresh, me, refresh, wide } from '../lib/state.js';
import { Empty, Tabs } from '../parts/bits.js';
import { Composer } from '../parts/composer.js';
import { PostList } from '../parts/list.js';
import { Page } from '../parts/shell.js';
import { SyncLine } from '../parts/sync.js';

/** @typedef {'home' | 'wide'} Tab */

/** The box to follow somebody and friends of friends, where there is nothing else to show; its module comes when needed. */
function FollowHere() {
	const [Box, setBox] = useState(/** @type {any} */ (null));
	useEffect(() => {
		import('../parts/follow.js').then((module) => setBox(() => module.FollowHere), () => {});
	}, []);
	return Box && html`<${Box} />`;
}

/** @param {{ tab: Tab }} props */
function Nothing({ tab }) {
	const [hasFollowed, setFollowed] = useState(false);
	useEffect(() => {
		get('people').then((answer) => setFollowed(answer.follows.length > 0), () => {});
	}, []);
	if (tab === 'wide') {
		return html`<${Empty} said=${t('home.emptyWide')} then=${t('home.emptyWideDo')} />`;
	}
	return html`<${Empty} said=${t('home.empty')} then=${t(hasFollowed ? 'home.emptyArriving' : 'home.emptyDo')}><${FollowHere} /><p><a href="/network#key">${t('home.showKey')}</a></p><//>`;
}

/** @param {{ tab: Tab }} props */
function Timeline({ tab }) {
	const again = useValue(refresh);
	const everybody = useValue(wide);
	const news = useValue(fresh);
	const [list, setList] = useState(/** @type {any} */ (null));

	/* With nothing on the screen there is nothing to push; and what I wrote elsewhere I know already. */
	useEffect(() => {
		if (tab === 'home' && list && news.ids.length > 0 && (list.ids().length === 0 || (scrollY === 0 && news.who.every((id) => id === me.peek())))) {
			list.top();
		}
	}, [news, list]);

	return html`<${PostList} path=${`timeline?tab=${tab}`} label=${t('home.feed')} end=${t('home.end')} empty=${html`<${Nothing} tab=${tab} />`}
		again=${tab === 'wide' ? `${again} ${everybody}` : again} news=${tab === 'home' ? news : null} onShow=${() => dropFresh(news.ids)} onList=${setList} />`;
}

/** @param {{ query: URLSearchParams }} props */
export default function Home({ query }) {
	const tab = query.get('tab') === 'wide' ? 'wide' : 'home';
	const tabs = [
		{ id: 'home', href: '/', said: t('home.friends') },
		{ id: 'wide', href: '/?tab=wide', said: t('home.wide') },
	];
	const posted = (/** @type {string} */ id) => addTo('timeline?tab=home', [id]);
	return html`<${Page} title=${t('home.title')} tools=${html`<${Tabs} label=${t('home.tabs')} at=${tab} tabs=${tabs} />`}>
		<${Composer} where="home" place=${t('write.what')} label=${t('write.label')} action=${t('write.post')} onPosted=${posted} />
		<${SyncLine} />
		<${Timeline} key=${tab} tab=${tab} />
	<//>`;
}
