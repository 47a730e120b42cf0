/**
 * views/people: whom I follow, who follows me, whom I blocked; and the box to follow somebody new.
 */
import '../lib/lang/en-more.js';
import { html, useValue } from '../lib/html.js';
import { get } from '../lib/api.js';
import { t } from '../lib/text.js';
import { peopleChanged, refresh, take } from '../lib/state.js';
import { Bones, Empty, Problem, Sheet, Tabs, useAnswer } from '../parts/bits.js';
import { FollowBox } from '../parts/follow.js';
import { PersonList } from '../parts/person.js';
import { Page } from '../parts/shell.js';

/** @type {Record<string, string[]>} */
const NOTHING = {
	follows: ['people.noFollows', 'people.noFollowsDo'],
	followers: ['people.noFollowers', 'people.noFollowersDo'],
	blocks: ['people.noBlocks', 'people.noBlocksDo'],
};

/** @param {{ query: URLSearchParams }} props */
export default function People({ query }) {
	const again = useValue(refresh);
	const renamed = useValue(peopleChanged);
	const wanted = query.get('show') ?? 'follows';
	const show = wanted in NOTHING ? wanted : 'follows';
	const [lists, error, load] = useAnswer(async () => {
		const answer = await get('people');
		take(answer);
		return answer;
	}, [again, renamed]);
	const tabs = Object.keys(NOTHING).map((id) => ({ id, href: id === 'follows' ? '/people' : `/people?show=${id}`, said: t(`people.${id}`) }));
	let body = html`<${Bones} />`;
	if (lists) {
		/** @type {string[]} */
		const ids = lists[show];
		const [said, then] = NOTHING[show];
		body = ids.length > 0
			? html`<${PersonList} key=${show} ids=${ids} />`
			: html`<${Empty} said=${t(said)} then=${t(then)}>${show !== 'blocks' && html`<p><a href="/network#key">${t('home.showKey')}</a></p>`}<//>`;
	} else if (error) {
		body = html`<${Problem} error=${error} onRetry=${load} />`;
	}
	return html`<${Page} title=${t('people.title')}>
		<${Sheet} id="follow" title=${t('follow.title')}><${FollowBox} /><//>
		<div class="tab-bar"><${Tabs} label=${t('people.tabs')} at=${show} tabs=${tabs} /></div>
		${body}
	<//>`;
}
