/*
 * Makes the page out of web/ and the installed modules: `node web-build.mjs SOURCES MODULES OUT PLAIN`.
 *
 * OUT is what the program embeds. esbuild puts together what is needed at once and leaves apart what is fetched later (each dynamic import() is a seam),
 * without comments and long names. index.html gets a modulepreload line for each file of the first screen, so that they arrive side by side instead of
 * one after the other. The same sources give the same names and bytes on every machine.
 *
 * PLAIN has the modules of lib/ for tests in Node: put together with the same parser and the same entities, but one file for each and nothing renamed.
 */
import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative, resolve, sep } from 'node:path';

const [, , sources, modules, out, plain] = process.argv;
const { build, transformSync } = createRequire(resolve(modules, 'x.js'))('esbuild');

/* What a browser must know to run the page at all: light-dark(), popovers, :has(). */
const TARGET = ['es2022'];
/* No text in web/ spans lines, so what stands before a line is for readers alone. */
const INDENT = /^\t+/gm;

/**
 * What is fetched later comes in a few groups: forty files of their own would be 19 kB larger, as each would be packed without its neighbours. What is named
 * nowhere is of every day; a language, and what is large and seldom wanted, stays alone.
 */
const GROUPS = {
	soon: /^lib\/(live|news)/,
	rare: /^(views\/(recovery|safety|settings|door|welcome|raw)|parts\/(banner|keys)|lib\/languages)\.js$/,
	alone: /^(lib\/lang\/.*|parts\/(code|emoji))\.js$/,
};
const groupOf = (name) => ['alone', 'rare', 'soon'].find((group) => GROUPS[group].test(name)) ?? 'daily';
const exportOf = (name) => name.replace(/\.js$/, '').replace(/\W/g, '_');

/**
 * The words of each language are named by keys that people can read; browsers get short ones, each the same in every file. A key that is put together while the
 * page runs stays as it is, and so does a name under which something is kept in a browser. @returns {(code: string) => string}
 */
function shortKeys() {
	const texts = readdirSync(sources, { recursive: true }).filter((name) => /\.(js|html)$/.test(name) && !name.includes('node_modules')).map((name) => readFileSync(join(sources, name), 'utf8'));
	const all = texts.join('\n');
	const unclear = /\bt\(`\$\{[^`]*\}\.\$\{/.exec(all);
	if (unclear) {
		throw new Error(`${unclear[0]}…: nobody can tell which keys that makes; say its beginning or its end`);
	}
	const parts = (pattern) => [...all.matchAll(pattern)].map(([, part]) => part);
	const starts = [...parts(/`([\w.]*\.\w*)\$\{/g), ...parts(/'([\w.]*\.)'/g)];
	const ends = parts(/\}(\.[\w.]+)`/g);
	const kept = new Set(parts(/memory\.\w+\(\s*'([\w.]+)'/g));
	const outside = ['boot.js', 'index.html'].map((name) => readFileSync(join(sources, name), 'utf8')).join('\n');
	const keys = ['en', 'en-more'].flatMap((name) => [...readFileSync(join(sources, `lib/lang/${name}.js`), 'utf8').matchAll(/^\t'([\w.]+)':/gm)].map(([, key]) => key));
	const isMade = (key) => kept.has(key) || outside.includes(key) || starts.some((start) => key.startsWith(start)) || ends.some((end) => key.endsWith(end));
	const short = new Map(keys.filter((key) => !isMade(key)).map((key, n) => [key, `_${n.toString(36)}`]));
	return (code) => code.replace(/'(\w+(?:\.\w+)+)'/g, (all, key) => (short.has(key) ? `'${short.get(key)}'` : all));
}

/**
 * `import('./x.js')` of a module in a group becomes an import of the group, which has the module as a member. Whatever comes later names all of the first
 * screen, so that it is one file: by who needs it, it would be six. @param {Set<string>} later @param {string[]} first
 */
function grouped(later, first) {
	const ours = resolve(sources);
	const shorten = shortKeys();
	const rewrite = (code, path) =>
		code.replace(/\bimport\('(\.[^']+)'\)/g, (all, to) => {
			const name = relative(ours, resolve(dirname(path), to)).split(sep).join('/');
			const group = groupOf(name);
			return later.has(name) && group !== 'alone' ? `import('group:${group}').then((all) => all.${exportOf(name)})` : all;
		});
	return {
		name: 'grouped',
		setup(at) {
			at.onResolve({ filter: /^group:/ }, ({ path }) => ({ path: path.slice('group:'.length), namespace: 'group' }));
			const before = first.map((name) => `import './${name}';\n`).join('');
			at.onLoad({ filter: /./, namespace: 'group' }, ({ path }) => ({
				contents: path === 'first' ? before : `import 'group:first';${[...later].filter((name) => groupOf(name) === path).sort().map((name) => `export * as ${exportOf(name)} from './${name}';`).join('\n')}`,
				resolveDir: ours,
			}));
			at.onLoad({ filter: /\.js$/ }, ({ path }) => {
				const name = relative(ours, path).split(sep).join('/');
				const head = name === 'main.js' || (later.has(name) && groupOf(name) === 'alone') ? `import 'group:first';` : '';
				return path.startsWith(ours + sep) ? { contents: head + shorten(rewrite(readFileSync(path, 'utf8').replace(INDENT, ''), path)) } : undefined;
			});
		},
	};
}

/* Of the parser what is never run is left out: raw HTML and typographic quotes are switched off, and it draws nothing. A rule that is off does this. */
const UNUSED = {
	renderer: 'class Renderer {}',
	'common/html_blocks': '',
	'common/html_re': '',
	'rules_block/html_block': 'function html_block() { return false; }',
	'rules_inline/html_inline': 'function html_inline() { return false; }',
	'rules_core/smartquotes': 'function smartquotes() {}',
	'rules_core/replacements': 'function replace() {}',
};

function replaced(code, pattern, by) {
	if (!pattern.test(code)) {
		throw new Error(`${pattern} is not in the parser any more: look at the new version`);
	}
	return code.replace(pattern, () => by);
}

const slimmed = {
	name: 'slimmed',
	setup(at) {
		at.onLoad({ filter: /markdown-it\.mjs$/ }, ({ path }) => ({
			contents: Object.entries(UNUSED).reduce(
				(code, [name, by]) => replaced(code, new RegExp(`//#region src/${name}\\.ts\n[^]*?\n//#endregion`), by),
				/* Of its dialects we speak the first. */
				replaced(readFileSync(path, 'utf8'), /,\n\tzero: \{[^]*?\n\t\}\n\};/, '\n};'),
			),
		}));
		/* Addresses are shown as they are written: nothing turns them back. */
		at.onLoad({ filter: /mdurl\/lib\/decode\.mjs$/ }, () => ({ contents: 'export default String;' }));
		at.onLoad({ filter: /punycode\.es6\.js$/ }, ({ path }) => ({ contents: replaced(readFileSync(path, 'utf8'), /^const punycode = \{[^]*?^\};/m, 'const punycode = { toASCII };') }));
		/* These are only asked whether one letter fits; browsers know the classes themselves. */
		at.onLoad({ filter: /uc\.micro.*\.mjs$/ }, ({ path }) => ({
			contents: ['S', 'Cf'].reduce((code, name) => replaced(code, new RegExp(`^const ${name} = /.*/;$`, 'm'), `const ${name} = /\\p{${name}}/u;`), readFileSync(path, 'utf8')),
		}));
	},
};

const common = {
	plugins: [slimmed],
	absWorkingDir: resolve(sources),
	bundle: true,
	format: 'esm',
	platform: 'browser',
	target: TARGET,
	charset: 'utf8',
	legalComments: 'none',
	nodePaths: [resolve(modules)],
	/* The parser's own table of names is larger than the parser. */
	alias: { entities: resolve(sources, 'lib/entities.js') },
	logLevel: 'warning',
};

/** Every file that `name` needs before it runs; dynamic imports are left for later. */
function needs(outputs, name, seen = new Set()) {
	if (!seen.has(name)) {
		seen.add(name);
		for (const { path, kind } of outputs[name].imports) {
			if (kind === 'import-statement') {
				needs(outputs, path, seen);
			}
		}
	}
	return seen;
}

function put(name, content) {
	mkdirSync(dirname(join(out, name)), { recursive: true });
	writeFileSync(join(out, name), content);
}

/** What the first screen runs, main.js first, and where the words of other languages are, as attributes for boot.js. */
async function scripts() {
	const how = { ...common, entryPoints: ['main.js'], outdir: resolve(out), entryNames: '[name]', chunkNames: '[name]-[hash]', splitting: true, minify: true, metafile: true };
	/* Once to see what is imported later, and once in groups. */
	const { metafile: alone } = await build({ ...how, write: false });
	const entries = Object.values(alone.outputs).flatMap(({ entryPoint }) => (entryPoint && entryPoint !== 'main.js' ? [entryPoint] : []));
	const first = [...needs(alone.inputs, 'main.js')].filter((name) => name !== 'main.js' && !name.includes('node_modules'));
	const { metafile } = await build({ ...how, plugins: [slimmed, grouped(new Set(entries), first)] });
	const nameOf = (path) => relative(resolve(out), resolve(sources, path)).split(sep).join('/');
	const outputs = Object.fromEntries(
		Object.entries(metafile.outputs).map(([path, one]) => [nameOf(path), { imports: one.imports.map((to) => ({ ...to, path: nameOf(to.path) })) }]),
	);
	const words = Object.entries(metafile.outputs).flatMap(([path, { entryPoint }]) => {
		const code = /lib\/lang\/([a-z]{2})\.js$/.exec(entryPoint ?? '')?.[1];
		return code ? [`data-${code}="/w/TREE/${nameOf(path)}"`] : [];
	});
	return { first: [...needs(outputs, 'main.js')], words: words.sort() };
}

/** Style sheets become one, in the order in which index.html names them: two requests less. */
function frame({ first, words }) {
	let page = readFileSync(join(sources, 'index.html'), 'utf8');
	const named = [...page.matchAll(/<link rel="stylesheet" href="\/w\/TREE\/([^"]+)">\n/g)];
	const sheet = named.map(([, name]) => readFileSync(join(sources, name), 'utf8')).join('\n');
	const small = (text) => transformSync(text, { loader: 'css', minify: true, charset: 'utf8' }).code;
	put('page.css', small(sheet));
	/* What it does not name is fetched with the screens that need it (lib/sheet). */
	for (const name of readdirSync(join(sources, 'css')).filter((one) => !named.some(([, other]) => other === `css/${one}`))) {
		put(name, small(readFileSync(join(sources, 'css', name), 'utf8')));
	}
	named.forEach(([line], i) => {
		page = page.replace(line, () => (i === 0 ? '<link rel="stylesheet" href="/w/TREE/page.css">\n' : ''));
	});
	const links = first.filter((name) => name !== 'main.js').map((name) => `<link rel="modulepreload" href="/w/TREE/${name}">`);
	page = page.replace('<script src="/w/TREE/boot.js">', () => ['<script src="/w/TREE/boot.js"', ...words].join(' ') + '>');
	put('index.html', page.replace('<!-- preload -->', () => links.join('\n')));
	put('boot.js', transformSync(readFileSync(join(sources, 'boot.js'), 'utf8'), { minify: true, target: TARGET, charset: 'utf8' }).code);
	for (const icon of ['icon.svg', 'icon-new.svg']) {
		cpSync(join(sources, icon), join(out, icon));
	}
}

/** The licences of what is inside, which their authors ask to travel with it. */
function licences() {
	const { dependencies } = JSON.parse(readFileSync(join(sources, 'package.json'), 'utf8'));
	const inside = Object.keys(dependencies).concat('linkify-it', 'mdurl', 'punycode.js', 'uc.micro').sort();
	const texts = inside.map((name) => {
		const file = readdirSync(join(modules, name)).find((one) => /^licen[cs]e/i.test(one));
		const { version: is, license } = JSON.parse(readFileSync(join(modules, name, 'package.json'), 'utf8'));
		return `${name} ${is} (${license})\n\n${file ? readFileSync(join(modules, name, file), 'utf8').trim() : ''}\n`;
	});
	put('licences.txt', texts.join(`\n${'-'.repeat(72)}\n\n`));
}

rmSync(out, { recursive: true, force: true });
rmSync(plain, { recursive: true, force: true });
frame(await scripts());
licences();
await build({
	...common,
	entryPoints: ['lib', 'lib/lang'].flatMap((dir) => readdirSync(join(sources, dir)).filter((name) => name.endsWith('.js')).map((name) => `${dir}/${name}`)),
	outdir: resolve(plain),
	outbase: '.',
	splitting: true,
});
writeFileSync(join(plain, 'package.json'), '{"type":"module"}\n');
