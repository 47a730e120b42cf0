/*
 * The copyright file of what is built, in Debian's machine-readable form: `node licenses.mjs HEAD LICENSE LOCK MODULES`. HEAD, then our LICENSE, then the
 * licence of every module the page is made of, read from where npm put it: whoever gets the program gets them too.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const [, , head, own, lock, modules] = process.argv;

/* It belongs to the command line of markdown-it; nothing of it is in the page. */
const OUTSIDE = ['node_modules/argparse'];

/** A paragraph that says whose `files` are, and under which words they may be used. */
function paragraph(files, name, text, author = '') {
	const lines = text.replace(/\r/g, '').trim().split('\n').map((line) => line.trim());
	const isApache = name.startsWith('Apache-2.0');
	const holders = isApache ? [author] : lines.map((line) => /^Copyright (?:\([cC]\) )?(.*)/.exec(line)?.[1]).filter(Boolean);
	/* Every Debian system has the text of this one. */
	const said = isApache ? ['The Apache License, Version 2.0: /usr/share/common-licenses/Apache-2.0'] : lines;
	if (holders.join('') === '') {
		throw new Error(`${files}: its licence does not say whose it is`);
	}
	return `\nFiles: ${files}\nCopyright: ${holders.join('\n ')}\nLicense: ${name}\n${said.map((line) => ` ${line || '.'}`).join('\n')}\n`;
}

function moduleParagraph([place, { license }]) {
	const name = place.replace('node_modules/', '');
	const dir = join(modules, name);
	/* Where there is a choice, the last is the one of MIT. */
	const file = readdirSync(dir).filter((file) => /^licen[cs]e/i.test(file)).sort().at(-1);
	const { author } = JSON.parse(readFileSync(join(dir, 'package.json'), 'utf8'));
	const kind = license.includes('MIT') ? 'Expat' : license;
	return paragraph(`modules/${name}/*`, `${kind}-${name.replace(/\W+/g, '-').replace(/^-/, '')}`, readFileSync(join(dir, file), 'utf8'), author?.name ?? author);
}

const packages = Object.entries(JSON.parse(readFileSync(lock, 'utf8')).packages);
const used = packages.filter(([place, { dev, optional }]) => place !== '' && !dev && !optional && !OUTSIDE.includes(place));
process.stdout.write([readFileSync(head, 'utf8'), paragraph('*', 'Expat', readFileSync(own, 'utf8')), ...used.map(moduleParagraph)].join(''));
