/* SPDX-License-Identifier: BSD-2-Clause */
#include "bridge.h"

#include "conf/option.h"
#include "lua/value.h"

/* clang-format off */
static const struct mt_field fields[] = {
#define OPT(name, type, bound, def, flags, doc) \
	MT_OPTION(bridge_options, name, type, bound, def, flags, doc)
#include "bridge.def"
#undef OPT
};
/* clang-format on */
#define FIELDS (sizeof(fields) / sizeof(fields[0]))

enum mt_rc
bridge_options_read(lua_State *lua, int index,
    struct bridge_options *ret_options, struct mt_err *err)
{
	bool seen[FIELDS] = { false };
	struct mt_str text;
	size_t i;

	*ret_options = (struct bridge_options){ .log_personal = false };
	if (lua_type(lua, index) > LUA_TNIL &&
	    mt_lua_table_read(
		lua, index, fields, FIELDS, ret_options, seen, err) != MT_OK)
		return err->rc;
	for (i = 0; i < FIELDS; i++) {
		if (seen[i] && fields[i].type == MT_STR) {
			/* Bounds that events leave to the codec. */
			text = *(const struct mt_str *)mt_field_at(
			    &fields[i], ret_options);
			if (mt_field_read(&fields[i], text, ret_options, err) !=
			    MT_OK)
				return err->rc;
		} else if (!seen[i] && fields[i].def != NULL &&
		    mt_field_read(&fields[i], mt_str(fields[i].def),
			ret_options, err) != MT_OK) {
			return err->rc;
		}
	}
	err->rc = MT_OK;
	return MT_OK;
}
