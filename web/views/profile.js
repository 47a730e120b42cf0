/**
 * views/profile: one person: who they are, what they posted, whom they follow, who follows them, as far as this node knows.
 */
import '../lib/lang/en-more.js';
import { html, useState, useValue } from '../lib/html.js';
import { get, post, saidOf } from '../lib/api.js';
import { idOf, listOf, nameOf, pathOf, personPath, shortKey, t } from '../lib/text.js';
import { day } from '../lib/time.js';
import { changed, me, peopleChanged, peers, personOf, refresh, say, sync, take } from '../lib/state.js';
import { Album } from '../parts/album.js';
import { Avatar, Weave } from '../parts/avatar.js';
import { Bones, Empty, IconButton, Menu, Problem, Tabs, useAct, useAnswer } from '../parts/bits.js';
import { writeTo } from '../parts/letters.js';
import { FollowButton, PersonList, askBlock, askFollow, askMute, askPetname, askUnblock, copyText, relationOf, showCode, unmute } from '../parts/person.js';
import { ProfileForm } from '../parts/profileform.js';
import { PostList } from '../parts/list.js';
import { PostText } from '../parts/posttext.js';
import { Page } from '../parts/shell.js';

/** @type {Record<string, string>} */
const TABS = { posts: 'person.posts', all: 'person.all', pictures: 'person.pictures', follows: 'person.follows', followers: 'person.followers' };

/** @param {string} id @param {import('../lib/state.js').Person} person */
function menuOf(id, person) {
	const name = nameOf(person);
	/** @type {import('../parts/bits.js').MenuItem[]} */
	const items = [{ said: t('key.copy'), onPick: () => copyText(id) }, { said: t('person.code'), onPick: () => showCode(id) }];
	if (id === me.peek()) {
		return items;
	}
	if (person.i !== 'follow') {
		items.push({ said: t('remove.menu', { name }), onPick: () => import('../parts/storage.js').then((it) => it.askRemove(id)) });
	}
	if (person.i === 'none') {
		items.push({ said: t('follow.private'), onPick: () => askFollow(id) });
	}
	items.push({ said: t(person.petname ? 'petname.change' : 'petname.do'), onPick: () => askPetname(id) });
	items.push(person.muted ? { said: t('mute.undo', { name }), onPick: () => unmute(id) } : { said: t('mute.do', { name }), onPick: () => askMute(id) });
	items.push(
		person.i === 'block'
			? { said: t('follow.unblockAria', { name }), onPick: () => askUnblock(id) }
			: { said: t('block.do', { name }), onPick: () => askBlock(id), danger: true },
	);
	return items;
}

/** Since when, whom they follow, who follows them. @param {{ path: string, about: any }} props */
function Facts({ path, about }) {
	const since = about.since && t('person.since', { date: day(about.since) });
	return html`<p class="row-facts profile-facts">${since && html`<span>${since}</span>`}
		<a href=${`${path}?show=follows`} data-replace>${t('person.nFollows', { n: about.follows })}</a>
		<a href=${`${path}?show=followers`} data-replace>${t('person.nFollowers', { n: about.followers })}</a></p>`;
}

/** Old messages that went to make room. @param {{ id: string, from: number }} props */
function LetGo({ id, from }) {
	const { act, isBusy, error } = useAct();
	const again = () => act(() => post(`person/${pathOf(id)}/again`, {}).then(() => say(t('letgo.coming'))));
	return html`<p class="note">${t('letgo.said', { n: from })} <button type="button" class="quiet-button" aria-disabled=${isBusy} onClick=${again}>${t('letgo.again')}</button></p>
		${error && html`<p class="slip" role="alert">${error}</p>`}`;
}

/** Friends of mine that follow them. @param {{ about: any }} props */
function Between({ about }) {
	const names = about.between.map((/** @type {string} */ id) => nameOf(personOf(id).peek()));
	return names.length > 0 && html`<p class="row-facts">${t('person.between', { names: listOf(names, about.between_total) })}</p>`;
}

/** @param {{ id: string }} props */
function WritePrivately({ id }) {
	const { act, isBusy } = useAct();
	return html`<${IconButton} icon="lock" class="icon-button edged violet" label=${t('private.write')} aria-disabled=${isBusy} onClick=${() => act(() => writeTo([id]).catch((problem) => say(saidOf(problem))))} />`;
}

/** @param {{ id: string, about: any }} props */
function Head({ id, about }) {
	const person = useValue(personOf(id));
	const [isEdited, setEdited] = useState(false);
	const isMe = id === useValue(me);
	const name = nameOf(person);
	const relation = relationOf(person);
	const isStranger = !isMe && person.i === 'none' && person.they !== 'block';
	return html`<section class="profile" aria-label=${name}>
		<div class="profile-top">
			<div class="faces"><${Avatar} id=${id} size="xl" />${person.image && person.image_have && html`<span title=${t('person.weave')}><${Weave} id=${id} size="s" /></span>`}</div>
			<div class="profile-do">
				<${Menu} label=${t('person.more', { name })} items=${menuOf(id, person)} />
				${!isMe && person.i !== 'block' && html`<${WritePrivately} id=${id} />`}
				${isMe
					? html`<button type="button" class="button" aria-expanded=${isEdited} onClick=${() => setEdited(!isEdited)}>${t('person.edit')}</button>`
					: html`<${FollowButton} id=${id} />`}
			</div>
		</div>
		${isEdited
			? html`<${ProfileForm} onDone=${() => setEdited(false)} />`
			: html`<p class="profile-name"><bdi>${name}</bdi>${person.petname && person.name && html` <span class="own-name" dir="auto">${t('person.owns', { name: person.name })}</span>`}</p>
		<p class="row-facts">${relation && html`<span class="badge">${relation}</span>`}${person.muted && html`<span class="badge">${t('person.isMuted')}</span>`}${person.i_private && html`<span class="badge violet">${t(person.i === 'block' ? 'person.blockPrivate' : 'person.followPrivate')}</span>`}
			<button type="button" class="key8" title=${id} onClick=${() => showCode(id)}>${t('person.key')} ${shortKey(id)}</button></p>
		${about?.bio && html`<${PostText} text=${about.bio} isOpen=${isMe || person.i === 'follow'} />`}
		${about && html`${about.let_go && html`<${LetGo} id=${id} from=${about.let_go} />`}
		<${Facts} path=${personPath(id)} about=${about} /><${Between} about=${about} />`}`}
		${about?.forked && html`<p class="slip">${t('person.forked')}</p>`}
		${person.i === 'block' && html`<p class="slip">${t('person.blocked', { name })}</p>`}
		${person.muted && html`<p class="slip calm">${t('person.muted', { name })}</p>`}
		${isStranger && html`<p class="note apart-s">${t('person.public', { name })}</p>`}
	</section>`;
}

/** What is still to come: below what is shown ahead of it, or behind what a friend has. @param {{ id: string }} props */
function Arriving({ id }) {
	const { ahead, sequence } = useValue(personOf(id));
	const up = useValue(peers).filter((one) => one.state === 'connected');
	const peer = up.find((one) => one.id === id);
	const came = ahead ? sequence : peer?.received ?? 0;
	const left = ahead ? ahead.first - 1 - sequence : peer?.behind ?? 0;
	return left > 0 && html`<div class="sync-line"><span role="status">${t(!ahead ? 'sync.behind' : up[0] ? 'person.ahead' : 'person.aheadLater', { n: left, ...ahead })}</span>
		<progress max=${came + left} value=${came} aria-label=${t('sync.soon')}></progress></div>`;
}

/** @param {{ id: string, isAll: boolean }} props */
function Nothing({ id, isAll }) {
	const person = useValue(personOf(id));
	const name = nameOf(person);
	if (id === me.peek()) {
		return html`<${Empty} said=${t('person.emptyMe')} then=${t('person.emptyMeDo')} />`;
	}
	if (person.i === 'block' || person.muted) {
		return html`<${Empty} said=${t(person.i === 'block' ? 'person.emptyBlocked' : 'person.emptyMuted')} />`;
	}
	if (person.newest > 0 && !isAll) {
		return html`<${Empty} said=${t('person.emptyReplies', { name })} />`;
	}
	const isAsked = person.i === 'follow' || person.hops > 0;
	return isAsked
		? html`<${Empty} said=${t('person.empty', { name })} then=${t('person.emptyDo')} />`
		: html`<${Empty} said=${t('person.emptyStranger', { name })} then=${t('person.emptyStrangerDo')} />`;
}

/** @param {{ path: string, id: string, isAll: boolean }} props */
function Posts({ path, id, isAll }) {
	const again = useValue(refresh);
	const news = useValue(changed);
	const { ahead, sequence, i: relation, muted } = useValue(personOf(id));
	return html`<${PostList} key=${`${relation === 'block'} ${muted} ${isAll}`} path=${`person/${path}/posts?show=${isAll ? 'all' : 'posts'}`} label=${t(isAll ? 'person.all1' : 'person.posts1')}
		empty=${html`<${Nothing} id=${id} isAll=${isAll} />`} again=${`${again} ${news.n} ${sequence} ${ahead?.newest}`} />`;
}

/** @param {{ path: string, id: string, list: 'follows' | 'followers' }} props */
function People({ path, id, list }) {
	const name = nameOf(useValue(personOf(id)));
	const again = useValue(peopleChanged);
	const [ids, error, load] = useAnswer(async () => {
		const answer = await get(`person/${path}/${list}`);
		take(answer);
		return answer.people.map((/** @type {any} */ person) => person.id);
	}, [path, list, again]);
	if (error) {
		return html`<${Problem} error=${error} onRetry=${load} />`;
	}
	if (!ids) {
		return html`<${Bones} />`;
	}
	if (ids.length === 0) {
		return html`<${Empty} said=${t(list === 'follows' ? 'person.noFollows' : 'person.noFollowers', { name })} />`;
	}
	return html`<${PersonList} ids=${ids} /><p class="end">${t('person.known')}</p>`;
}

/** @param {{ args: string[], query: URLSearchParams }} props */
export default function Profile({ args, query }) {
	const id = idOf('@', args[0]);
	const person = useValue(personOf(id));
	const again = useValue(refresh);
	const renamed = useValue(peopleChanged);
	const left = useValue(sync).behind;
	const wanted = query.get('show') ?? 'posts';
	const show = Object.hasOwn(TABS, wanted) ? wanted : 'posts';
	const isList = show === 'follows' || show === 'followers';
	const [about] = useAnswer(async () => {
		const answer = await get(`person/${args[0]}`);
		take({ people: [...answer.people, answer.person] });
		return answer;
	}, [args[0], again, renamed, person.ahead && left]);
	const path = personPath(id);
	const tabs = Object.entries(TABS).map(([tab, said]) => ({ id: tab, href: tab === 'posts' ? path : `${path}?show=${tab}`, said: t(said) }));
	return html`<${Page} title=${nameOf(person)} back>
		<${Head} id=${id} about=${about} />
		<div class="tab-bar"><${Tabs} label=${t('person.tabs')} at=${show} tabs=${tabs} /></div>
		<${Arriving} id=${id} />
		${show === 'pictures' ? html`<${Album} key=${args[0]} path=${args[0]} id=${id} />` : isList ? html`<${People} key=${show} path=${args[0]} id=${id} list=${show} />` : html`<${Posts} path=${args[0]} id=${id} isAll=${show === 'all'} />`}
	<//>`;
}
