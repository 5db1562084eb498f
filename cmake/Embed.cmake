# The migrations of schema/ as a C source, so that no binary can be without
# its schema. Sets ${out_var} to the file; made again when a migration changes.
function(mt_embed_migrations out_var)
	file(GLOB files CONFIGURE_DEPENDS
		${CMAKE_SOURCE_DIR}/schema/[0-9][0-9][0-9][0-9]-*.sql)
	list(SORT files)
	set(texts "")
	set(rows "")
	set(expected 1)
	foreach(file ${files})
		get_filename_component(name ${file} NAME_WLE)
		string(REGEX MATCH "^0*([0-9]+)-" _ ${name})
		set(number ${CMAKE_MATCH_1})
		if(NOT number EQUAL expected)
			message(FATAL_ERROR "schema: ${name} follows number "
				"${expected} - 1; there must be no gap")
		endif()
		math(EXPR expected "${expected} + 1")
		file(READ ${file} hex HEX)
		string(LENGTH "${hex}" digits)
		math(EXPR size "${digits} / 2")
		string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
		string(REGEX REPLACE "((0x..,)(0x..,)(0x..,)(0x..,)(0x..,)(0x..,)(0x..,)(0x..,))" "\\1\n" bytes "${bytes}")
		string(APPEND texts
			"static const char sql_${number}[] = {\n${bytes}0\n};\n")
		string(APPEND rows "\t{ .number = ${number}, .name = \"${name}\", "
			".sql = { sql_${number}, ${size} } },\n")
		set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
			${file})
	endforeach()
	set(out ${CMAKE_BINARY_DIR}/migrations.c)
	file(CONFIGURE OUTPUT ${out} @ONLY CONTENT
"#include \"db/schema.h\"\n\n${texts}\nconst struct mt_migration mt_migrations[] = {\n${rows}\t{ .number = 0 },\n};\n")
	set(${out_var} ${out} PARENT_SCOPE)
endfunction()
