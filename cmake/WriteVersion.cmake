cmake_minimum_required(VERSION 3.25)
file(STRINGS ${SRC}/VERSION release LIMIT_COUNT 1)
execute_process(COMMAND git -C ${SRC} describe --tags --always --dirty
	OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE
	ERROR_QUIET RESULT_VARIABLE failed)
set(text "${release}")
if(NOT failed AND commit AND NOT commit STREQUAL "v${release}")
	string(APPEND text " (${commit})")
endif()
file(CONFIGURE OUTPUT ${OUT} @ONLY CONTENT
"#include \"prog/version.h\"\n\nconst char mt_version[] = \"${text}\";\n")
