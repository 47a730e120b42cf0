/**
 * lib/lang/en: the words of the first screen in English; en-more.js has the others. Flat keys, `{n}` places; another language is one more file with the same keys. Short, second
 * person, no blame, no exclamation marks; numbers and names instead of adjectives.
 */

/**
 * Which form a number takes. A language with more forms may answer with Intl.PluralRules; English needs no such (slow to make) object.
 * @param {number} n
 */
export const plural = (n) => (n === 1 ? 'one' : 'other');

export const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
export const days = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];

/** @type {Record<string, string | Record<string, string>>} */
export const words = {
	'nav.skip': 'Skip to the page',
	'nav.label': 'Pages',
	'nav.home': 'Home',
	'nav.people': 'People',
	'nav.network': 'Network',
	'nav.settings': 'Settings',
	'nav.me': 'You',
	'nav.write': 'New post',
	'nav.back': 'Back',
	'nav.around': 'Around you',
	'nav.aroundNobody': 'Nobody is connected right now. Posts travel when you next meet.',
	'nav.kept': 'Kept for you',
	'nav.keptLine': { one: '{n} post from {feeds}, {size}', other: '{n} posts from {feeds}, {size}' },
	'nav.feeds': { one: '{n} feed', other: '{n} feeds' },
	'nav.promise': 'Your posts live on your node and on those of the people who follow you. There is no company in between.',

	'node.connected': { one: '{n} connected', other: '{n} connected' },
	'node.away': 'Not connected',
	'node.looking': 'Looking for friends',
	'node.lost': 'Node out of reach',

	'time.now': 'now',
	'time.min': '{n}\u00a0min',
	'time.h': '{n}\u00a0h',
	'time.d': '{n}\u00a0d',
	'list.and': '{names} and {last}',
	'list.others': { one: '{names} and {n} other', other: '{names} and {n} others' },

	'home.title': 'Home',
	'home.friends': 'Friends',
	'home.wide': 'Wider circle',
	'home.tabs': 'Whose posts',
	'home.empty': 'It is quiet here.',
	'home.emptyDo': 'Follow someone: paste the key they gave you, and their posts come to you.',
	'home.emptyArriving': 'Posts are on their way. They show here as they arrive.',
	'home.emptyWide': 'Nobody beyond your friends yet.',
	'home.emptyWideDo': 'This is where friends of your friends appear, once your friends follow someone you do not.',
	'home.showKey': 'Show my key',
	'home.more': 'Older posts',
	'home.end': 'This is the oldest post on your node.',
	'home.pill': { one: '{n} new: {names}', other: '{n} new: {names}' },
	'home.feed': 'Posts, newest first',

	'sync.behind': { one: 'Earlier posts are arriving: {n} to come', other: 'Earlier posts are arriving: {n} to come' },
	'sync.from': { one: 'Receiving from {names}: {n} to come', other: 'Receiving from {names}: {n} to come' },
	'sync.soon': 'Posts are arriving',

	'write.what': 'What is new with you?',
	'write.label': 'Your post',
	'write.reply': 'Write a reply',
	'write.replyLabel': 'Your reply',
	'write.post': 'Post',
	'write.send': 'Reply',
	'write.sending': 'Signing',
	'write.preview': 'Show how it will look',
	'write.edit': 'Back to writing',
	'write.warn': 'Put a warning in front',
	'write.warnLabel': 'Warning',
	'write.warnPlace': 'Shown instead of the post until opened',
	'write.discard': 'Discard this draft',
	'write.public': 'Public and for good: friends keep copies.',
	'write.left': { one: '{n} character left', other: '{n} characters left' },
	'write.over': { one: '{n} character too many', other: '{n} characters too many' },
	'write.kept': 'Your text is kept here. ',
	'write.empty': 'Nothing written yet.',
	'write.paused': 'Publishing is paused. Your node keeps this as a draft and signs nothing.',
	'write.keep': 'Keep as draft',
	'write.keptDraft': 'Kept as draft {n}. Nothing was signed.',
	'write.suggest': { one: '{n} person found. Arrow keys choose, Enter takes.', other: '{n} people found. Arrow keys choose, Enter takes.' },
	'write.done': 'On your node. It travels whenever a friend connects.',

	'post.reply': { one: 'Reply, {n} reply so far', other: 'Reply, {n} replies so far' },
	'post.reply0': 'Reply',
	'post.like': 'Like',
	'post.checking': 'being checked',
	'post.more': 'More about this post',
	'post.raw': 'Signed message',
	'post.copyId': 'Copy message id',
	'post.copyText': 'Copy text',
	'post.block': 'Block {name}',
	'post.inReply': 'In a conversation',
	'post.inReplyTo': 'In reply to {name}',
	'post.you': 'you',
	'post.warning': 'Warning: {cw}',
	'post.show': 'Show',
	'post.hide': 'Hide',
	'post.all': 'Read all',
	'post.picture': 'Picture: {alt}',
	'post.pictureBare': 'Picture',
	'post.leads': 'leads to {site}',
	'post.likedN': { one: 'Liked by {n} person', other: 'Liked by {n} people' },
	'post.likedBy': 'Liked by {names}',
	'post.channel': 'in #{channel}',
	'post.to': 'To',

	'receipt.node': 'On your node',
	'receipt.one': '{names} has it',
	'receipt.many': { one: '{names} have it', other: '{names} have it' },
	'receipt.some': { one: '{n} friend has it', other: '{n} friends have it' },

	'thread.gap': 'A post that is not here yet',
	'thread.gapDo': 'It shows here when it arrives.',

	'person.follows': 'Follows',

	'network.upToDate': 'Up to date',
	'network.dialling': 'Connecting',
	'network.looking': 'Looking',
	'network.away': 'Away',
	'banner.lost': 'Your node is out of reach. You can go on reading and writing; what you write is kept. Trying again by itself.',

	'key.copied': 'Copied.',

	'error.again': 'Try again',
	'error.offline': 'Your node does not answer. Perhaps it is restarting, or this device left its network.',
	'error.notLost': 'Nothing was lost.',
	'error.lost': 'What was being sent is gone.',
	'error.strange': 'The node answered something this page does not understand ({n}).',
	'error.page': 'There is no such page.',
	'error.pageDo': 'Go to Home',
	'error.broken': 'This part of the page could not be drawn. Nothing on your node is affected.',
	'wait.label': 'Loading',
};
