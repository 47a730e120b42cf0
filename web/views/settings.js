/**
 * views/settings: its groups, which are in parts/; safety is a screen of its own.
 */
import '../lib/lang/en-more.js';
import { html } from '../lib/html.js';
import { t } from '../lib/text.js';
import { Icon, Sheet } from '../parts/bits.js';
import { Devices } from '../parts/devices.js';
import { About, Appearance, NetworkGroup, Privacy } from '../parts/prefs.js';
import { ProfileForm } from '../parts/profileform.js';
import { Page } from '../parts/shell.js';
import { Storage } from '../parts/storage.js';

const Me = () => html`<${Sheet} id="profile" title=${t('settings.profile')}><${ProfileForm} /><//>`;

/** Address, icon, what it draws; the words are `group.NAME` and `group.NAMEIs`. @type {[string, string, any][]} */
const GROUPS = [
	['profile', 'person', Me],
	['appearance', 'eye', Appearance],
	['privacy', 'lock', Privacy],
	['devices', 'device', Devices],
	['storage', 'disk', Storage],
	['network', 'network', NetworkGroup],
	['safety', 'safe', null],
	['about', 'info', About],
];

/** @param {{ args: string[] }} props */
export default function Settings({ args }) {
	const found = GROUPS.find(([name]) => name === args[0]);
	if (found) {
		return html`<${Page} title=${t(`group.${found[0]}`)} back><${found[2]} /><//>`;
	}
	return html`<${Page} title=${t('settings.title')}>
		<nav aria-label=${t('settings.title')}>${GROUPS.map(([name, icon]) => html`<a class="way" key=${name} href=${`/settings/${name}`}><${Icon} name=${icon} />
			<span><b>${t(`group.${name}`)}</b><small>${t(`group.${name}Is`)}</small></span></a>`)}</nav>
	<//>`;
}
