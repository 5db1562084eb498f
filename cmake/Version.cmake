# version.c is rewritten at build time, only when what git says differs.
set(MT_VERSION_C ${CMAKE_BINARY_DIR}/version.c)
add_custom_target(mt_version_c ALL
	BYPRODUCTS ${MT_VERSION_C}
	COMMAND ${CMAKE_COMMAND} -DSRC=${CMAKE_SOURCE_DIR}
		-DOUT=${MT_VERSION_C} -P ${CMAKE_SOURCE_DIR}/cmake/WriteVersion.cmake
	VERBATIM)
