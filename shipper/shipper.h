/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The shipper: one thread around poll(2) that carries every record of the
 * spool's segments to the Redis endpoint it belongs to, and deletes a segment
 * once the collectors have acknowledged all that it held. At least once: what
 * is in doubt is sent again.
 *
 * A shard is one endpoint with a progress of its own through every segment, so
 * that an endpoint which is away holds up none of the others:
 *
 *     read >= confirmed >= marked >= acked          offsets in a segment
 *
 * read      the next record to look at
 * confirmed all before is in Redis, or belongs to another shard
 * marked    and Redis's marker (redis/feed.h) covers it
 * acked     and the collectors have stored it
 *
 * When the connection is lost, reading goes on at confirmed. When Redis was
 * started anew (another run id) and its marker is where we put it, at marked:
 * what came after may be lost. When the marker is gone or was set back, or the
 * stream counts fewer entries than before, everything still on disk is sent
 * again. Only then: Redis keeps a prefix of what was done to it.
 */
#ifndef SHIPPER_SHIPPER_H
#define SHIPPER_SHIPPER_H

#include "conf/conf.h"
#include "redis/feed.h"
#include "spool/format.h"
#include "spool/reader.h"
#include "spool/state.h"
#include "spool/watch.h"

#include "options.h"

struct progress {
	uint64_t read;
	uint64_t confirmed;
	uint64_t marked;
	uint64_t acked;
	uint64_t marking; /* `confirmed` when the marker was last sent */
	struct mt_id last; /* of the last entry confirmed */
	struct mt_id last_marking; /* the same, as of marking and marked */
	struct mt_id last_marked;
	size_t flying; /* sent, not answered */
	size_t waiting; /* checkpoints */
	bool more; /* there may be records to read */
};

struct segment {
	uint64_t id;
	unsigned char nonce[MT_NONCE];
	uint64_t size; /* as last seen */
	uint64_t synced; /* bytes known to be on the disk itself */
	int64_t failed_ms; /* a read failed then; 0: not */
	bool unusable; /* of a newer version, or damaged: left alone */
	bool try_end; /* it may have ended: worth asking for its lock */
	struct progress *progress; /* owned, one a shard */
};

/* Sent: an event whose answer is to come. */
struct flight {
	uint64_t segment;
	uint64_t end; /* offset behind the record */
};

/* Confirmed: when the group has acknowledged id, the segment is up to end. */
struct checkpoint {
	struct mt_id id;
	uint64_t segment;
	uint64_t end;
	unsigned records; /* folded into this one */
};

/* A ring; room is a power of two. */
struct flights {
	struct flight *at; /* owned */
	size_t room, first, n;
};

struct checkpoints {
	struct checkpoint *at; /* owned, ascending ids */
	size_t n, room;
};

enum shard_phase {
	SHARD_DOWN, /* until retry_ms */
	SHARD_GREETING, /* the facts are to come */
	SHARD_CREATING, /* stream, group and marker */
	SHARD_READY
};

struct shipper;

struct shard {
	struct shipper *shipper;
	size_t index;
	struct mt_feed *feed; /* owned */
	enum shard_phase phase;
	int64_t retry_ms;
	unsigned delay_ms;
	unsigned failures; /* since it was last well */
	int64_t failed_ms; /* the last time */
	enum mt_rc said_rc; /* its class */
	int64_t said_ms; /* when a failure was last logged; 0: never */
	/* What we know of this Redis; nothing when known is false. */
	bool known;
	char run_id[41];
	uint64_t entries_added;
	struct mt_id marked; /* where the marker was put last */
	struct mt_id newest; /* the last entry confirmed */
	bool marking, asking; /* MARK, FACTS are outstanding */
	struct flights flights;
	struct checkpoints checkpoints;
	struct mt_reader *reader; /* owned; NULL: none */
	uint64_t reading; /* its segment */
	/* A record that Redis refused by itself goes to the dead letters. */
	uint64_t poison_segment, poison_end;
	struct mt_err poison_why;
};

struct totals {
	uint64_t sent;
	uint64_t buried;
	uint64_t again; /* bytes that are to be sent again */
	uint64_t skipped; /* damaged bytes */
	uint64_t deleted; /* segments */
};

/* The spool directory, ours alone as long as lock_fd is open. */
struct place {
	char *dir; /* owned */
	int dir_fd;
	int lock_fd;
	struct mt_watch watch;
};

struct shipper {
	struct mt_conf *conf; /* reference */
	const struct shipper_options *options; /* of conf */
	struct mt_buf password; /* read at each connection */
	struct mt_redis_options redis;
	struct place place;
	struct segment *segments; /* owned, ascending ids */
	size_t n_segments;
	struct shard *shards; /* owned */
	size_t n_shards;
	bool list_again; /* segments came or went */
	bool ended; /* an older segment may have ended */
	bool unsaved; /* the state differs from what is on disk */
	bool dir_unsynced; /* segments came since the directory was synced */
	int64_t tick_ms; /* the last */
	int64_t summary_ms;
	struct totals totals; /* since the last summary */
};

/* shipper.c */
enum mt_rc shipper_setup(
    struct mt_conf *conf, void **ret_state, struct mt_err *err);
enum mt_rc shipper_run(void *state, struct mt_err *err);
void shipper_done(void *state);

/* segments.c */
enum mt_rc segments_list(struct shipper *s, struct mt_err *err);
void segments_free(struct shipper *s);
struct segment *segments_find(struct shipper *s, uint64_t id);
/* Look at its size; let all shards read what is new. */
void segments_grown(struct shipper *s, uint64_t id);
void segments_grown_all(struct shipper *s);
/* fdatasync what grew; false when there was nothing. */
bool segments_sync(struct shipper *s);
bool segments_unsynced(const struct shipper *s);
/* Count damaged bytes that are passed over, for who looks at the spool. */
void segments_damaged(struct shipper *s, uint64_t bytes);
/* Delete what every shard is done with. */
void segments_delete(struct shipper *s);

/* shard.c */
void shard_init(struct shard *shard, struct shipper *s, size_t index,
    const struct mt_endpoint *endpoint, const char *marker);
void shard_done(struct shard *shard);
/* Connect, write, read and take answers, as far as it goes. */
void shard_work(struct shard *shard);
/* Once a second: the marker, and what the collectors have acknowledged. */
void shard_tick(struct shard *shard);
bool shard_wants_tick(const struct shard *shard);
/* When to work although nothing happened; 0: never. */
int64_t shard_deadline_ms(const struct shard *shard);
uint64_t shard_unsent(const struct shard *shard); /* bytes */
uint64_t shard_unacked(const struct shard *shard); /* bytes */
struct progress *shard_progress(struct shard *shard, uint64_t segment);

/* track.c: what is on its way, and what waits for the collectors */
void track_fly(struct shard *shard, uint64_t segment, uint64_t end);
bool track_land(struct shard *shard, struct flight *ret_flight);
void track_wait(struct shard *shard, struct checkpoint checkpoint);
/* All up to id is stored; true when that was news. */
bool track_acked(struct shard *shard, struct mt_id id);
void track_done(struct shard *shard);
/* With nothing of ours on its way, what was read is confirmed, and so on. */
void shard_settle(const struct shard *shard, struct progress *p);

/* read.c */
/* Send records until enough are on their way or there are no more. */
void shard_read(struct shard *shard);
void shard_forget_reader(struct shard *shard);

/* memory.c */
void memory_load(struct shipper *s);
void memory_save(struct shipper *s);
/* Go on in a segment after what the marker covers. */
void memory_rewind(struct shard *shard);

#endif
