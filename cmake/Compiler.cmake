# Language, warnings, sanitizers and hardening, the same for every target.
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)

option(MT_WERROR "warnings are errors" OFF)
option(MT_HARDEN "hardening flags (off where a packager's flags rule)" ON)
option(MT_TIDY "run clang-tidy on every file" OFF)
option(MT_ANALYZE "compile with gcc's analyzer" OFF)
option(MT_FUZZ "link fuzz targets with libFuzzer" OFF)
option(MT_TESTS "build tests and benchmarks" ON)
set(MT_SANITIZE "" CACHE STRING "sanitizers, as -fsanitize= takes them")

add_compile_definitions(_GNU_SOURCE)
# CMake's release types define NDEBUG; our asserts are for programming errors
# and stay.
add_compile_options(-UNDEBUG)
add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wconversion
	-Wformat=2 -Wvla -Wstrict-prototypes -Wmissing-prototypes -Wcast-qual
	-Wcast-align -Wwrite-strings -Wundef -Wswitch-enum -Wnull-dereference)
if(CMAKE_C_COMPILER_ID STREQUAL GNU)
	add_compile_options(-Wlogical-op -Wduplicated-cond
		-Wduplicated-branches)
endif()
if(MT_WERROR)
	add_compile_options(-Werror)
endif()

if(MT_ANALYZE)
	add_compile_options(-fanalyzer)
endif()

if(MT_FUZZ)
	add_compile_options(-fsanitize=fuzzer-no-link,address,undefined -O1
		-fno-sanitize-recover=all -fno-omit-frame-pointer)
	add_link_options(-fsanitize=address,undefined)
elseif(MT_SANITIZE)
	add_compile_options(-fsanitize=${MT_SANITIZE} -O1
		-fno-sanitize-recover=all -fno-omit-frame-pointer)
	add_link_options(-fsanitize=${MT_SANITIZE})
	if(CMAKE_C_COMPILER_ID STREQUAL GNU)
		# gcc 12 sees null dereferences in sanitizer branches.
		add_compile_options(-Wno-null-dereference)
		# As shared libraries these two get in each other's way, and
		# not all they find goes where tests/lib/checked.py looks.
		if(MT_SANITIZE STREQUAL "address,undefined")
			add_link_options(-static-libasan -static-libubsan)
		endif()
	endif()
elseif(MT_HARDEN)
	add_compile_options(-fstack-protector-strong -fstack-clash-protection
		-fcf-protection)
	if(NOT CMAKE_BUILD_TYPE STREQUAL Debug)
		add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
	endif()
	add_link_options(-Wl,-z,relro,-z,now,-z,noexecstack,--as-needed)
endif()

include(CheckPIESupported)
check_pie_supported()
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

if(MT_TIDY)
	find_program(MT_CLANG_TIDY NAMES clang-tidy-14 clang-tidy REQUIRED)
	set(CMAKE_C_CLANG_TIDY ${MT_CLANG_TIDY} --quiet)
endif()
