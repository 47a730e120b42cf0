/*
 * Prints the 2,048 words of BIP-39's English list as C: `node words.mjs english.js > words.c`. The list is the one of the installed package
 * @scure/bip39 (web/package-lock.json); its file is read as text, none of its code runs. feed/words relies on what is checked here.
 */
import { readFileSync } from 'node:fs';

const text = /`([a-z\n]+)`/.exec(readFileSync(process.argv[2], 'utf8'))?.[1] ?? '';
const words = text.trim().split('\n');
const starts = new Set(words.map((word) => word.slice(0, 4)));
const isSorted = words.every((word, i) => i === 0 || words[i - 1] < word);
if (words.length !== 2048 || starts.size !== 2048 || !isSorted || words.some((word) => word.length < 3 || word.length > 8)) {
	throw new Error(`${process.argv[2]} does not hold 2,048 sorted words of 3 to 8 letters that differ in their first four`);
}
console.log(`/* Made by words.mjs from @scure/bip39. */
extern const char words_english[2048][9];
const char words_english[2048][9] = {
${words.map((word) => `\t"${word}",`).join('\n')}
};`);
