/*
 * Makes build/web out of web/ and the installed modules: `node web-vendor.mjs SOURCES MODULES OUT`. No bundler: files stay files. Third-party modules
 * go to vendor/, import names such as "preact" become relative paths, and index.html gets a modulepreload line for each module of the first screen,
 * so that they arrive side by side instead of one after the other.
 */
import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, posix, relative, sep } from 'node:path';

const VENDOR = {
	preact: 'preact/dist/preact.mjs',
	'preact/hooks': 'preact/hooks/dist/hooks.mjs',
	htm: 'htm/dist/htm.mjs',
	'@preact/signals-core': '@preact/signals-core/dist/signals-core.mjs',
	'markdown-it': 'markdown-it/dist/browser/markdown-it.esm.min.mjs',
};
const IMPORT = /((?:\bfrom|\bimport)\s*\(?\s*)(["'])([^"']+)\2/g;
/* Comments that stand on lines of their own, types within lines, indentation and empty lines are for readers of web/, not for browsers: a third of the bytes. Nothing
 * else is changed; no text in web/ spans lines. */
const COMMENT = /^[ \t]*\/\*(?:[^*]|\*(?!\/))*\*\/[ \t]*\n/gm;
const CAST = /\/\*\* @(?:type|param) (?:[^*]|\*(?!\/))*\*\/ ?/g;
const INDENT = /^\t+|^\n/gm;
const forBrowsers = (code) => code.replace(COMMENT, '').replace(CAST, '').replace(INDENT, '');
const [, , sources, modules, out] = process.argv;

const vendorName = (bare) => `vendor/${bare.replace('@preact/', '').replace('/', '-')}.js`;

function filesBelow(dir) {
	return readdirSync(dir).flatMap((name) => {
		const path = join(dir, name);
		return statSync(path).isDirectory() ? filesBelow(path) : [path];
	});
}

function relativeImports(code, from) {
	return code.replace(/\n?\/\/# sourceMappingURL=.*\n?$/, '\n').replace(IMPORT, (all, before, quote, name) => {
		if (name in VENDOR) {
			const path = posix.relative(dirname(from), vendorName(name));
			return `${before}${quote}${path.startsWith('.') ? path : './' + path}${quote}`;
		}
		return all;
	});
}

function put(name, content) {
	mkdirSync(dirname(join(out, name)), { recursive: true });
	writeFileSync(join(out, name), content);
}

/** Every module that `name` needs before it runs; dynamic imports are left for later. */
function needs(name, seen = new Set()) {
	if (!seen.has(name)) {
		seen.add(name);
		for (const [, , , path] of readFileSync(join(out, name), 'utf8').matchAll(/(\bfrom\s*|\bimport\s*)(["'])(\.[^"']+)\2/g)) {
			needs(posix.join(dirname(name), path), seen);
		}
	}
	return seen;
}

/* Style sheets become one, in the order in which index.html names them: two requests less. */
const sheets = new Map();
rmSync(out, { recursive: true, force: true });
for (const path of filesBelow(sources)) {
	const name = relative(sources, path).split(sep).join('/');
	if (name.startsWith('node_modules/') || /^package|\.md$/.test(name)) {
		continue;
	}
	if (name.endsWith('.css')) {
		sheets.set(name, readFileSync(path, 'utf8'));
	} else if (name.endsWith('.js')) {
		put(name, relativeImports(forBrowsers(readFileSync(path, 'utf8')), name));
	} else {
		mkdirSync(dirname(join(out, name)), { recursive: true });
		cpSync(path, join(out, name));
	}
}
for (const [bare, file] of Object.entries(VENDOR)) {
	put(vendorName(bare), relativeImports(readFileSync(join(modules, file), 'utf8'), vendorName(bare)));
}
let page = readFileSync(join(out, 'index.html'), 'utf8');
const named = [...page.matchAll(/<link rel="stylesheet" href="\/w\/TREE\/([^"]+)">\n/g)];
put('page.css', named.map(([, name]) => sheets.get(name)).join('\n'));
named.forEach(([line], i) => {
	page = page.replace(line, () => (i === 0 ? '<link rel="stylesheet" href="/w/TREE/page.css">\n' : ''));
});
const first = [...needs('main.js')].filter((name) => name !== 'main.js');
const links = first.map((name) => `<link rel="modulepreload" href="/w/TREE/${name}">`).join('\n');
put('index.html', page.replace('<!-- preload -->', () => links));
