/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/num.h"
#include "redis/redis.h"

bool
mt_id_read(struct mt_str s, struct mt_id *ret_id)
{
	struct mt_str ms, seq;
	struct mt_id id;

	if (!mt_str_cut(s, '-', &ms, &seq) ||
	    !mt_num_read(ms, UINT64_MAX, &id.ms) ||
	    !mt_num_read(seq, UINT64_MAX, &id.seq))
		return false;
	*ret_id = id;
	return true;
}

void
mt_id_write(struct mt_id id, char *out)
{
	out = mt_num_put(out, id.ms);
	*out++ = '-';
	*mt_num_put(out, id.seq) = '\0';
}

int
mt_id_cmp(struct mt_id a, struct mt_id b)
{
	if (a.ms != b.ms)
		return a.ms < b.ms ? -1 : 1;
	return a.seq < b.seq ? -1 : a.seq > b.seq;
}

struct mt_id
mt_id_before(struct mt_id id)
{
	if (id.seq > 0)
		return (struct mt_id){ id.ms, id.seq - 1 };
	if (id.ms > 0)
		return (struct mt_id){ id.ms - 1, UINT64_MAX };
	return id;
}

struct mt_id
mt_id_after(struct mt_id id)
{
	if (id.seq < UINT64_MAX)
		return (struct mt_id){ id.ms, id.seq + 1 };
	if (id.ms < UINT64_MAX)
		return (struct mt_id){ id.ms + 1, 0 };
	return id;
}
