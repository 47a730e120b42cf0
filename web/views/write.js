/**
 * views/write: writing as a whole page: a new post, a reply (?to= the root of a conversation), or something that was put aside (?draft= its name).
 */
import '../lib/lang/en-more.js';
import { html, useEffect, useState, useValue } from '../lib/html.js';
import { get } from '../lib/api.js';
import { idOf, pathOf, t } from '../lib/text.js';
import { back, go } from '../lib/router.js';
import { take, writingOf } from '../lib/writing.js';
import { IconButton } from '../parts/bits.js';
import { Composer } from '../parts/composer.js';
import { Page } from '../parts/shell.js';

const PATH = /^[A-Za-z0-9_-]{43}$/;
const NAME = /^[A-Za-z0-9_-]{1,64}$/;

/** @param {{ query: URLSearchParams }} props */
export default function Write({ query }) {
	const to = query.get('to') ?? '';
	const draft = query.get('draft') ?? '';
	const where = NAME.test(draft) ? draft : PATH.test(to) ? to : 'home';
	const words = useValue(writingOf(where).words);
	const [isReady, setReady] = useState(where === 'home');
	useEffect(() => {
		if (!isReady) {
			const writing = get(`writing?name=${where}`).then((answer) => answer.writing[0] && take(answer.writing[0]), () => {});
			/* What is private is answered in its conversation alone. */
			const above = PATH.test(to) ? get(`posts?ids=${to}`).then((answer) => answer.posts[0]?.conversation, () => '') : '';
			Promise.all([above, writing]).then(([conversation]) => (conversation ? go(`/private/${conversation}?at=${to}`, { replace: true }) : setReady(true)));
		}
	}, [where]);
	const root = words.root ?? (PATH.test(to) ? idOf('%', to) : '');
	/* Private words are written where their readers are seen. */
	useEffect(() => {
		const conversation = /^p-([A-Za-z0-9_-]{43})/.exec(where)?.[1];
		if (conversation) {
			go(`/private/${conversation}`, { replace: true });
		}
	}, [where]);
	const reply = root ? () => ({ root, ...(words.root ? { fork: words.fork, branch: words.branch } : {}) }) : undefined;
	const leave = () => (root ? go(`/m/${pathOf(root)}`, { replace: true }) : go('/', { replace: true }));
	const tools = html`<${IconButton} icon="close" label=${t('write.close')} onClick=${back} />`;
	return html`<${Page} title=${t(root ? 'write.replyTitle' : 'nav.write')} tools=${tools}>
		${isReady && !where.startsWith('p-') &&
		html`<${Composer} key=${where} where=${where} isFull autofocus place=${t(root ? 'write.reply' : 'write.what')} label=${t(root ? 'write.replyLabel' : 'write.label')}
			action=${t(root ? 'write.send' : 'write.post')} reply=${reply} onPosted=${() => {}} onHeld=${leave} />`}
	<//>`;
}
