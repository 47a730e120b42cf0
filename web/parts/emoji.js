/**
 * parts/emoji: common emoji and their short English names, for ":smi". Fetched with the first colon.
 */
const TABLE = [
	'😀grinning 😃smiley 😄smile 😁grin 😆laughing 😅sweat_smile 🤣rofl 😂joy 🙂slight_smile 🙃upside_down 😉wink 😊blush 😇innocent 🥰loved 😍heart_eyes 😘kiss 😋yum 😛tongue 😜wink_tongue',
	'🤔thinking 🤨raised_eyebrow 😐neutral 😶speechless 😏smirk 🙄eye_roll 😬grimace 😌relieved 😔pensive 😴sleeping 😷mask 🤒sick 🤕hurt 🤢nauseated 🤮vomiting 🥵hot 🥶cold 🥴woozy 😵dizzy 🤯mind_blown',
	'🥳party 😎cool 🤓nerd 😕confused 😟worried 🙁frown 😮surprised 😳flushed 🥺pleading 😢cry 😭sob 😱scream 😤huff 😡angry 🤬cursing 😈devil 💀skull 💩poop 🤡clown 👻ghost 👽alien 🤖robot',
	'❤️heart 🧡orange_heart 💛yellow_heart 💚green_heart 💙blue_heart 💜purple_heart 🖤black_heart 💔broken_heart 💯hundred 💥boom 💫dizzy_star 💦splash 💤zzz 👋wave 🤚hand ✋raised_hand 👌ok 🤏pinch ✌️peace',
	'🤞fingers_crossed 🤘rock 🤙call_me 👈left 👉right 👆up 👇down 👍thumbs_up 👎thumbs_down ✊fist 👊punch 👏clap 🙌hooray 👐open_hands 🤝handshake 🙏thanks 💪strong 👀eyes 🧠brain 👶baby 🧑person 👪family',
	'🤷shrug 🤦facepalm 🙋hi 💃dance 🚶walk 🏃run 🐶dog 🐱cat 🐭mouse 🐰rabbit 🦊fox 🐻bear 🐼panda 🐸frog 🐵monkey 🐔chicken 🐦bird 🦆duck 🦉owl 🐺wolf 🐴horse 🦄unicorn 🐝bee 🐛bug 🦋butterfly 🐌snail',
	'🐞ladybug 🐢turtle 🐍snake 🐙octopus 🐟fish 🐬dolphin 🐳whale 🦀crab 🐘elephant 🐄cow 🐷pig 🐑sheep 🐐goat 🦔hedgehog 🌵cactus 🎄christmas_tree 🌲tree 🌱seedling 🌿herb 🍀clover 🍂leaves 🍄mushroom 🌷tulip',
	'🌹rose 🌻sunflower 🌸blossom 🌍earth 🌙moon ⭐star ✨sparkles ⚡lightning 🔥fire 🌈rainbow ☀️sun ⛅cloudy ☁️cloud 🌧️rain ⛈️storm ❄️snow ☃️snowman 💨wind 💧drop 🌊wave_sea 🍎apple 🍐pear 🍊orange 🍋lemon',
	'🍌banana 🍉watermelon 🍇grapes 🍓strawberry 🍒cherries 🍑peach 🥝kiwi 🍅tomato 🥑avocado 🥕carrot 🌽corn 🥔potato 🧅onion 🧄garlic 🍞bread 🥐croissant 🧀cheese 🥚egg 🍕pizza 🍔burger 🍟fries 🌮taco 🍜noodles',
	'🍣sushi 🍰cake 🎂birthday 🍪cookie 🍫chocolate 🍯honey ☕coffee 🍵tea 🍺beer 🍷wine 🥂cheers ⚽football 🏀basketball 🎾tennis 🎲dice 🎯target 🎮game 🎸guitar 🎹piano 🎵music 🎤microphone 🎧headphones 🎨art',
	'🎬film 📷camera 🚲bike 🚗car 🚌bus 🚂train ✈️plane 🚀rocket ⛵sailboat 🏠home 🏡house_garden 🏕️camping 🏔️mountain 🏖️beach ⌚watch 📱phone 💻laptop ⌨️keyboard 🔋battery 🔌plug 💡idea 🔧wrench 🔨hammer 🪛screwdriver',
	'⚙️gear 🔑key 🔒lock 📎paperclip 📌pin ✏️pencil 📝memo 📖book 📚books 📰news 📅calendar 📦package ✉️mail 🎁gift 🎈balloon 🎉tada 🏆trophy 🥇gold ⏰alarm ⏳hourglass ✅check ❌no ❓question ❗exclamation',
	'⚠️warning 🚫forbidden ♻️recycle ➡️arrow_right ⬅️arrow_left 🔁repeat 🆕new 🏳️‍🌈rainbow_flag 🏴‍☠️pirate',
];

/** @type {{ emoji: string, name: string }[]} */
const ALL = TABLE.join(' ').split(' ').map((entry) => {
	const at = entry.search(/[a-z]/);
	return { emoji: entry.slice(0, at), name: entry.slice(at) };
});

/** Whose name begins so, then whose name has a word that does; at most six. @param {string} word */
export function emojiFor(word) {
	const wanted = word.toLowerCase();
	const first = ALL.filter(({ name }) => name.startsWith(wanted));
	const second = ALL.filter(({ name }) => !name.startsWith(wanted) && name.includes(`_${wanted}`));
	return [...first, ...second].slice(0, 6);
}
