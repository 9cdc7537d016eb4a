# The simulation: the engine and workflows, compiled once more with the questions for bugs on purpose in them
# (daemon/base/mutation.h), on virtual time and an in-memory CouchDB.
set(simulation_objects "")

# A folder of it, linked whole.
function(simulation_part name folder)
  file(GLOB sources CONFIGURE_DEPENDS ${folder}/*.cc ${folder}/*/*.cc)
  add_library(${name} OBJECT ${sources})
  target_compile_definitions(${name} PRIVATE CHANNELS_MUTANTS)
  target_link_libraries(${name} PRIVATE simulation_couch channels_calls)
  channels_compiled_together(${name})
  set(simulation_objects ${simulation_objects} ${name} PARENT_SCOPE)
endfunction()

simulation_part(mutated_engine ${PROJECT_SOURCE_DIR}/daemon/engine)
simulation_part(mutated_workflows ${PROJECT_SOURCE_DIR}/daemon/workflows)
simulation_part(simulation_devices ${CMAKE_CURRENT_SOURCE_DIR}/simulation/devices)

file(GLOB simulation_sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/simulation/*.cc
     ${CMAKE_CURRENT_SOURCE_DIR}/simulation/time/*.cc)
add_executable(simulate ${simulation_sources})
target_compile_definitions(simulate PRIVATE CHANNELS_MUTANTS)
# The objects come before the libraries, which therefore give nothing of the same name.
target_link_libraries(simulate PRIVATE ${simulation_objects} simulation_couch channels_calls)
channels_compiled_together(simulate)
set_target_properties(simulate PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})

add_test(NAME simulation.seeds COMMAND simulate --seeds 1000)
add_test(NAME simulation.replay COMMAND simulate --replay 10)
add_test(NAME simulation.mutants COMMAND simulate --mutants --world shop --seeds 1000)
set_tests_properties(simulation.seeds simulation.replay simulation.mutants
                     PROPERTIES LABELS simulation TIMEOUT 1800 RUN_SERIAL ON)
