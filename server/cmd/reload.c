/* Read again, compared with what was at the start. */
#include "cmd/reload.h"

#include "base/log.h"

#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { OTHER_FILES = 768 };

bool reload_has_room_for(unsigned peers)
{
	struct rlimit files;
	const rlim_t wanted =
		(rlim_t)(peers == 0 ? LIMIT_PEERS : peers) + LIMIT_ACCEPTS_WAITING + OTHER_FILES;
	if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur >= wanted) {
		return true;
	}
	files.rlim_cur = files.rlim_max < wanted ? files.rlim_max : wanted;
	return setrlimit(RLIMIT_NOFILE, &files) == 0 && (peers == 0 || files.rlim_cur >= wanted);
}

void reload_apply(const struct settings *settings, struct node_live *live)
{
	static const char *const levels[] = {[LOG_DEBUG] = "debug",
		[LOG_INFO] = "info",
		[LOG_WARN] = "warn",
		[LOG_ERROR] = "error"};
	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		if (strcmp(levels[i], settings_text(settings, OPTION_LOG_LEVEL)) == 0) {
			log_set_level((enum log_level)i);
		}
	}
	live->is_backup_off = !settings_is_on(settings, OPTION_BACKUPS);
	live->peers_max = settings_origin(settings, OPTION_PEERS_MAX) == SETTINGS_PRESET
				  ? 0
				  : (unsigned)settings_number(settings, OPTION_PEERS_MAX);
}

static bool is_same(const struct settings *a, const struct settings *b, enum option option)
{
	const char *text = settings_text(a, option);
	const char *other = settings_text(b, option);
	return text == other || (text != NULL && other != NULL && strcmp(text, other) == 0);
}

static void tell_what_waits(const struct reload *reload, const struct settings *settings)
{
	for (int i = 0; i < OPTION_COUNT; i++) {
		const struct option_row *row = options_row((enum option)i);
		if (!row->is_live && !is_same(reload->settings, settings, (enum option)i)) {
			LOG(reload->env, LOG_WARN, "config.needs_a_new_start",
				LOG_TEXT("option", row->name));
		}
	}
}

static void tell_faults(const struct reload *reload, const struct settings_faults *faults)
{
	for (unsigned i = 0; i < faults->count && i < LIMIT_CONF_FAULTS; i++) {
		LOG(reload->env, LOG_ERROR, "config.not_taken",
			LOG_TEXT("why", faults->at[i].text));
	}
}

enum node_hangup reload_now(void *ctx, struct node_live *live)
{
	const struct reload *reload = ctx;
	struct settings_faults faults;
	struct settings *settings = NULL;
	enum node_hangup what = NODE_HANGUP_NOTHING;
	if (reload->has_terminal && isatty(STDERR_FILENO) == 0) {
		return NODE_HANGUP_STOP; /* the window was closed; nobody asked for anything new */
	}
	enum err err = flags_read(reload->flags, &settings, &faults);
	if (err != ERR_OK) {
		tell_faults(reload, &faults);
	} else if (settings_origin(settings, OPTION_PEERS_MAX) != SETTINGS_PRESET &&
		   !reload_has_room_for((unsigned)settings_number(settings, OPTION_PEERS_MAX))) {
		LOG(reload->env, LOG_ERROR, "config.not_taken",
			LOG_TEXT("why", "peers-max needs more open files than the system allows"));
	} else {
		reload_apply(settings, live);
		tell_what_waits(reload, settings);
		LOG(reload->env, LOG_INFO, "config.reloaded",
			LOG_NUM("peers_max", live->peers_max == 0 ? LIMIT_PEERS : live->peers_max),
			LOG_TEXT("backups", live->is_backup_off ? "off" : "on"),
			LOG_TEXT("log_level", settings_text(settings, OPTION_LOG_LEVEL)));
		what = NODE_HANGUP_LIVE;
	}
	settings_free(settings);
	return what;
}
