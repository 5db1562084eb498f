/* SPDX-License-Identifier: BSD-2-Clause */
#include "hook.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "hook_state.h"
#include "message.h"

#define FILE_MAX 262144
#define WARN_S 60
#define SPARE_MAX 16 /* states kept for threads to come */
#define SPARE_BYTES 1048576 /* a state that holds more is not kept */

struct milter_hook {
	const struct milter_options *options;
	struct mt_buf text; /* of the file */
	pthread_mutex_t lock; /* of what follows */
	struct milter_state *spare[SPARE_MAX];
	size_t spare_n;
};

void
milter_said_init(struct milter_said *said)
{
	*said = (struct milter_said){ .mode = MT_mode_absent };
	mt_buf_init(&said->notice, MT_MAX_NOTICE);
	mt_buf_init(&said->extra, MT_MAX_EXTRA);
}

void
milter_said_done(struct milter_said *said)
{
	mt_buf_done(&said->notice);
	mt_buf_done(&said->extra);
}

static enum mt_rc
read_all(int fd, struct mt_buf *out, struct mt_err *err)
{
	char chunk[4096];
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st) != 0)
		return mt_fail_sys(err, "cannot be read");
	if (!S_ISREG(st.st_mode))
		return mt_fail(err, MT_CONFIG, "is no file");
	if ((st.st_mode & S_IWOTH) != 0)
		return mt_fail(err, MT_CONFIG,
		    "anybody can write to it (mode %04o); chmod o-w it",
		    (unsigned)(st.st_mode & 07777));
	while ((n = read(fd, chunk, sizeof(chunk))) > 0)
		mt_buf_add(out, chunk, (size_t)n);
	if (n < 0)
		return mt_fail_sys(err, "cannot be read");
	if (mt_buf_over(out))
		return mt_fail(
		    err, MT_CONFIG, "is longer than %d bytes", FILE_MAX);
	return MT_OK;
}

static enum mt_rc
read_file(struct mt_str name, struct mt_buf *out, struct mt_err *err)
{
	char *path = mt_str_dup(name);
	int fd;

	err->rc = MT_OK;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		(void)mt_fail_sys(err, "cannot be read");
	else if (read_all(fd, out, err) == MT_OK)
		err->rc = MT_OK;
	if (fd >= 0)
		(void)close(fd);
	if (err->rc != MT_OK)
		mt_err_in(err, "%s", path);
	mt_free(path);
	return err->rc;
}

/* A state for this thread alone. */
static enum mt_rc
take(struct milter_hook *hook, struct milter_state **ret, struct mt_err *err)
{
	struct milter_state *state = NULL;

	pthread_mutex_lock(&hook->lock);
	if (hook->spare_n > 0)
		state = hook->spare[--hook->spare_n];
	pthread_mutex_unlock(&hook->lock);
	if (state == NULL)
		return milter_state_new(
		    hook->options, mt_buf_view(&hook->text), ret, err);
	*ret = state;
	return MT_OK;
}

static void
give_back(struct milter_hook *hook, struct milter_state *state)
{
	milter_state_clear(state);
	if (state->memory <= SPARE_BYTES) {
		pthread_mutex_lock(&hook->lock);
		if (hook->spare_n < SPARE_MAX) {
			hook->spare[hook->spare_n++] = state;
			state = NULL;
		}
		pthread_mutex_unlock(&hook->lock);
	}
	milter_state_free(state);
}

enum mt_rc
milter_hook_new(const struct milter_options *o, struct milter_hook **ret_hook,
    struct mt_err *err)
{
	struct milter_hook *hook = mt_alloc(sizeof(*hook));
	struct milter_state *state = NULL;

	hook->options = o;
	pthread_mutex_init(&hook->lock, NULL);
	mt_buf_init(&hook->text, FILE_MAX);
	if (read_file(o->hook, &hook->text, err) != MT_OK ||
	    take(hook, &state, err) != MT_OK ||
	    milter_state_run(state, NULL, NULL, err) != MT_OK) {
		milter_state_free(state);
		milter_hook_free(hook);
		mt_err_in(err, "hook");
		return err->rc = MT_CONFIG;
	}
	give_back(hook, state);
	*ret_hook = hook;
	return MT_OK;
}

void
milter_hook_free(struct milter_hook *hook)
{
	if (hook == NULL)
		return;
	while (hook->spare_n > 0)
		milter_state_free(hook->spare[--hook->spare_n]);
	mt_buf_done(&hook->text);
	pthread_mutex_destroy(&hook->lock);
	mt_free(hook);
}

static enum mt_rc
ask(struct milter_hook *hook, const struct milter_message *m,
    const struct milter_client *client, struct milter_said *said,
    struct mt_err *err)
{
	struct milter_state *state = NULL;

	if (take(hook, &state, err) != MT_OK)
		return err->rc;
	if (milter_state_run(state, m, client, err) != MT_OK) {
		milter_state_free(state);
		return err->rc;
	}
	if (milter_answer_read(state->lua, said, err) != MT_OK) {
		mt_err_in(err, "%.*s", MT_STR_ARG(hook->options->hook));
		milter_state_free(state);
		return err->rc;
	}
	give_back(hook, state);
	return MT_OK;
}

enum mt_hook
milter_hook_ask(struct milter_hook *hook, const struct milter_message *m,
    const struct milter_client *client, struct milter_said *said)
{
	struct mt_err err;

	if (ask(hook, m, client, said, &err) == MT_OK)
		return MT_hook_done;
	mt_log_every(WARN_S, MT_LOG_WARNING,
	    "hook: %s; the message goes on without it queue_id=%s", err.msg,
	    mt_quote(milter_message_get(m, TEXT_QUEUE_ID)).s);
	milter_said_done(said);
	milter_said_init(said);
	return err.rc == MT_LIMIT ? MT_hook_limit : MT_hook_failed;
}
