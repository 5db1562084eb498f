# SPDX-License-Identifier: BSD-2-Clause
# Make a man page from IN: @OPTIONS@ and @COMMANDS@ are what PROGRAM says,
# @COMMAND_LINE@, @SIGNALS@ and @EXIT@ stand beside this file, @CONF@ is its
# option file.
cmake_minimum_required(VERSION 3.25)

function(said flag ret)
	execute_process(COMMAND ${PROGRAM} ${flag} OUTPUT_VARIABLE text
		COMMAND_ERROR_IS_FATAL ANY OUTPUT_STRIP_TRAILING_WHITESPACE)
	set(${ret} "${text}" PARENT_SCOPE)
endfunction()

file(READ "${IN}" page)
foreach(part COMMAND_LINE SIGNALS EXIT)
	string(TOLOWER ${part} name)
	string(REPLACE _ - name ${name})
	file(READ "${CMAKE_CURRENT_LIST_DIR}/${name}.inc" text)
	string(STRIP "${text}" text)
	string(REPLACE "@${part}@" "${text}" page "${page}")
endforeach()
if(page MATCHES "@OPTIONS@")
	said(--mdoc text)
	string(REPLACE "@OPTIONS@" "${text}" page "${page}")
endif()
if(page MATCHES "@COMMANDS@")
	said(--commands text)
	string(REPLACE "@COMMANDS@" "${text}" page "${page}")
endif()
string(REPLACE "@CONF@" "${CONF}" page "${page}")
file(WRITE "${OUT}" "${page}")
