# The library and headers for handler programs in C++: what the package couchdb-channels-dev installs (component "dev").
#
#   cmake --install build --component dev --prefix /usr
#
# The headers are those of the program itself. Installed, they include each other as <couchdb-channels/engine/rules.h>, so that their short names
# meet no project's own. Each of them is closed: it includes only what is in this list.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(handlers_headers
    base/env.h base/errors.h base/globs.h base/json.h base/log.h base/parsed.h base/time.h
    http/transport.h
    couch/credentials.h couch/database.h couch/document.h couch/server.h
    engine/elsewhere.h engine/handler.h engine/mode.h engine/rules.h
    control/control.h)

set(handlers_include ${PROJECT_BINARY_DIR}/handlers_include)
set(made_headers "")
foreach(header IN LISTS handlers_headers)
  set(made ${handlers_include}/couchdb-channels/${header})
  get_filename_component(folder ${made} DIRECTORY)
  add_custom_command(
    OUTPUT ${made}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${folder}
    COMMAND sed "s|^#include \"\\(.*\\)\"|#include <couchdb-channels/\\1>|" ${CMAKE_CURRENT_SOURCE_DIR}/${header} > ${made}
    DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${header}
    COMMENT "" VERBATIM)
  list(APPEND made_headers ${made})
endforeach()
add_custom_target(handlers_headers ALL DEPENDS ${made_headers})

# One archive of all that the layers below need; a program takes out of it what it uses.
add_library(couchdb_channels_handlers STATIC
  $<TARGET_OBJECTS:channels_base> $<TARGET_OBJECTS:channels_http> $<TARGET_OBJECTS:channels_couch>
  $<TARGET_OBJECTS:channels_control> engine/handler.cc engine/rules.cc)
target_include_directories(couchdb_channels_handlers PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}
  INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
target_link_libraries(couchdb_channels_handlers PUBLIC Boost::json OpenSSL::Crypto CURL::libcurl Threads::Threads)
target_compile_features(couchdb_channels_handlers PUBLIC cxx_std_20)
set_target_properties(couchdb_channels_handlers PROPERTIES OUTPUT_NAME couchdb-channels-handlers EXPORT_NAME handlers)
add_dependencies(couchdb_channels_handlers handlers_headers)

set(handlers_cmake ${CMAKE_INSTALL_LIBDIR}/cmake/couchdb-channels)
install(TARGETS couchdb_channels_handlers EXPORT couchdb-channels ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT dev)
install(DIRECTORY ${handlers_include}/couchdb-channels DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT dev)
install(EXPORT couchdb-channels NAMESPACE couchdb-channels:: FILE couchdb-channels-targets.cmake DESTINATION ${handlers_cmake} COMPONENT dev)
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/couchdb-channels-config.cmake.in
  ${PROJECT_BINARY_DIR}/couchdb-channels-config.cmake INSTALL_DESTINATION ${handlers_cmake})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/couchdb-channels-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/couchdb-channels-config.cmake ${PROJECT_BINARY_DIR}/couchdb-channels-config-version.cmake
  DESTINATION ${handlers_cmake} COMPONENT dev)
