# The four shapes a directory's CMakeLists.txt is made of.
#
#   mt_room(base SOURCES buf.c err.c USES conf LIBS PkgConfig::libdeflate)
#       a static library mt_<room>; it may include itself and what it USES
#   mt_program(mailtrail-milter SOURCES main.c USES prog LIBS ... DIR sbin)
#   mt_test(unit buf USES base)        tests/unit/test_buf.c, one executable
#   mt_fuzz(token USES token)          tests/fuzz/fuzz_token.c and its corpus;
#                                      MAX_LEN, if inputs are not up to 4096

include(GNUInstallDirs)

# Findings of gcc's analyzer that are none: tests/suppressed/analyzer.
if(MT_ANALYZE)
	set(MT_EXPLAINED ${CMAKE_SOURCE_DIR}/tests/suppressed/analyzer)
	set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
		${MT_EXPLAINED})
	file(STRINGS ${MT_EXPLAINED} MT_EXPLAINED REGEX "^[^#]")
endif()

# In the directory of a target, since sources have their options there.
function(mt_explain)
	foreach(line ${MT_EXPLAINED})
		string(REGEX MATCH "^([^ ]+) +([^ ]+)" _ "${line}")
		set_source_files_properties(${CMAKE_SOURCE_DIR}/${CMAKE_MATCH_1}
			PROPERTIES COMPILE_OPTIONS
			-Wno-analyzer-${CMAKE_MATCH_2})
	endforeach()
endfunction()

function(mt_link target)
	mt_explain()
	cmake_parse_arguments(A "" "" "USES;LIBS" ${ARGN})
	target_include_directories(${target} PRIVATE ${CMAKE_SOURCE_DIR}/lib)
	foreach(room ${A_USES})
		target_link_libraries(${target} PRIVATE mt_${room})
	endforeach()
	target_link_libraries(${target} PRIVATE ${A_LIBS} Threads::Threads)
endfunction()

function(mt_room name)
	cmake_parse_arguments(A "" "" "SOURCES;USES;LIBS" ${ARGN})
	# Generated sources come with their full path.
	list(TRANSFORM A_SOURCES PREPEND ${name}/ REGEX "^[^/]")
	add_library(mt_${name} STATIC ${A_SOURCES})
	mt_link(mt_${name} USES ${A_USES} LIBS ${A_LIBS})
endfunction()

function(mt_program name)
	cmake_parse_arguments(A "" "DIR" "SOURCES;USES;LIBS" ${ARGN})
	add_executable(${name} ${A_SOURCES})
	mt_link(${name} USES ${A_USES} LIBS ${A_LIBS})
	target_include_directories(${name} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
	if(A_DIR STREQUAL libexec)
		install(TARGETS ${name}
			DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/mailtrail)
	elseif(A_DIR STREQUAL sbin)
		install(TARGETS ${name} DESTINATION ${CMAKE_INSTALL_SBINDIR})
	elseif(A_DIR STREQUAL bin)
		install(TARGETS ${name} DESTINATION ${CMAKE_INSTALL_BINDIR})
	endif()
endfunction()

function(mt_test label name)
	cmake_parse_arguments(A "" "" "SOURCES;USES;LIBS" ${ARGN})
	add_executable(test_${name} ${CMAKE_SOURCE_DIR}/tests/${label}/test_${name}.c
		${A_SOURCES})
	mt_link(test_${name} USES ${A_USES} LIBS ${A_LIBS} PkgConfig::cmocka)
	# -Wundef and cmocka's header do not go together.
	target_compile_options(test_${name} PRIVATE -Wno-undef)
	add_test(NAME ${label}/${name} COMMAND test_${name}
		WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
	set_tests_properties(${label}/${name} PROPERTIES LABELS ${label}
		TIMEOUT 120 SKIP_RETURN_CODE 77)
endfunction()

function(mt_fuzz name)
	cmake_parse_arguments(A "" "MAX_LEN" "SOURCES;USES;LIBS" ${ARGN})
	add_executable(fuzz_${name} ${CMAKE_SOURCE_DIR}/tests/fuzz/fuzz_${name}.c
		${A_SOURCES})
	mt_link(fuzz_${name} USES ${A_USES} LIBS ${A_LIBS})
	if(MT_FUZZ)
		target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
		if(NOT A_MAX_LEN)
			set(A_MAX_LEN 4096)
		endif()
		# A line of the list that tests/fuzz-all reads.
		string(JOIN "\t" line ${name} ${A_MAX_LEN}
			$<TARGET_FILE:fuzz_${name}>
			${CMAKE_SOURCE_DIR}/tests/fuzz/corpus/${name})
		set_property(GLOBAL APPEND_STRING PROPERTY MT_FUZZ_TARGETS
			"${line}\n")
	else()
		target_sources(fuzz_${name} PRIVATE
			${CMAKE_SOURCE_DIR}/tests/fuzz/replay.c)
		add_test(NAME fuzz/${name} COMMAND fuzz_${name}
			${CMAKE_SOURCE_DIR}/tests/fuzz/corpus/${name})
		set_tests_properties(fuzz/${name} PROPERTIES LABELS fuzz
			TIMEOUT 120)
	endif()
endfunction()

# The list of fuzz targets, after the last mt_fuzz.
function(mt_fuzz_list)
	get_property(targets GLOBAL PROPERTY MT_FUZZ_TARGETS)
	if(targets)
		file(GENERATE OUTPUT ${CMAKE_BINARY_DIR}/fuzz-targets
			CONTENT "${targets}")
	endif()
endfunction()
