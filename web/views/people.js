/**
 * views/people: whom I follow, who follows me, friends of friends, whom I muted and blocked; who is nearby; and the box to follow somebody new.
 */
import '../lib/lang/en-more.js';
import { html, useValue } from '../lib/html.js';
import { get } from '../lib/api.js';
import { t } from '../lib/text.js';
import { kept, peers, peopleChanged, personOf, refresh, take } from '../lib/state.js';
import { Bones, Empty, Problem, Sheet, Tabs, useAnswer } from '../parts/bits.js';
import { FollowBox, Suggested } from '../parts/follow.js';
import { PersonList } from '../parts/person.js';
import { Page } from '../parts/shell.js';

/** What a list says when it is empty, and above it. @type {Record<string, { said: string, none: string[], hint?: string, hasKey?: boolean }>} */
const LISTS = {
	follows: { said: 'people.follows', none: ['people.noFollows', 'people.noFollowsDo'], hasKey: true },
	followers: { said: 'people.followers', none: ['people.noFollowers', 'people.noFollowersDo'], hasKey: true },
	friends: { said: 'people.friends', none: [] },
	mutes: { said: 'people.mutes', none: ['people.noMutes', 'people.noMutesDo'], hint: 'people.mutesHint' },
	blocks: { said: 'people.blocks', none: ['people.noBlocks', 'people.noBlocksDo'], hint: 'people.blocksHint' },
};

/** Whom beacons told of, and I do not follow. */
function Nearby() {
	const near = useValue(peers).filter((peer) => peer.via === 'lan' && personOf(peer.id).peek().i === 'none');
	return near.length > 0 && html`<${Sheet} id="nearby" title=${t('people.nearby')}><p class="note">${t('people.nearbyHint')}</p><${PersonList} ids=${near.map((peer) => peer.id)} /><//>`;
}

/** @param {{ show: string, ids: string[] }} props */
function List({ show, ids }) {
	const { none, hint, hasKey } = LISTS[show];
	return ids.length > 0
		? html`${hint && html`<p class="note list-hint">${t(hint)}</p>`}<${PersonList} key=${show} ids=${ids} list=${show} />`
		: html`<${Empty} said=${t(none[0])} then=${t(none[1])}>${hasKey && html`<p><a href="/network#key">${t('home.showKey')}</a></p>`}<//>`;
}

/** @param {{ query: URLSearchParams }} props */
export default function People({ query }) {
	const again = useValue(refresh);
	const renamed = useValue(peopleChanged);
	const told = useValue(kept);
	const wanted = query.get('show') ?? 'follows';
	const show = wanted in LISTS ? wanted : 'follows';
	const [lists, error, load] = useAnswer(async () => {
		const answer = await get('people');
		take(answer);
		return answer;
	}, [again, renamed, told]);
	const tabs = Object.entries(LISTS).map(([id, { said }]) => ({ id, href: id === 'follows' ? '/people' : `/people?show=${id}`, said: t(said) }));
	let body = html`<${Bones} />`;
	if (show === 'friends') {
		body = html`<${Suggested} isAlone />`;
	} else if (lists) {
		body = html`<${List} show=${show} ids=${lists[show]} />`;
	} else if (error) {
		body = html`<${Problem} error=${error} onRetry=${load} />`;
	}
	return html`<${Page} title=${t('people.title')}>
		<${Sheet} id="follow" title=${t('follow.title')}><${FollowBox} /><//>
		<${Nearby} />
		<div class="tab-bar"><${Tabs} label=${t('people.tabs')} at=${show} tabs=${tabs} /></div>
		${body}
	<//>`;
}
