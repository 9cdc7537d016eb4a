# The simulation: the engine and workflows, compiled once more with the questions for bugs on purpose in them
# (daemon/base/mutation.h), on virtual time and an in-memory CouchDB.
file(GLOB simulation_sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/simulation/*.cc
     ${CMAKE_CURRENT_SOURCE_DIR}/simulation/time/*.cc ${CMAKE_CURRENT_SOURCE_DIR}/simulation/devices/*.cc)
# These come before the libraries, which therefore give nothing of the same name.
file(GLOB mutated_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/daemon/engine/*.cc
     ${PROJECT_SOURCE_DIR}/daemon/workflows/*.cc ${PROJECT_SOURCE_DIR}/daemon/workflows/rollout/*.cc)
add_executable(simulate ${simulation_sources} ${mutated_sources})
target_compile_definitions(simulate PRIVATE CHANNELS_MUTANTS)
target_link_libraries(simulate PRIVATE simulation_couch channels_calls)
set_target_properties(simulate PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})

add_test(NAME simulation.seeds COMMAND simulate --seeds 1000)
add_test(NAME simulation.replay COMMAND simulate --replay 10)
add_test(NAME simulation.mutants COMMAND simulate --mutants --world shop --seeds 1000)
set_tests_properties(simulation.seeds simulation.replay simulation.mutants
                     PROPERTIES LABELS simulation TIMEOUT 1800 RUN_SERIAL ON)
