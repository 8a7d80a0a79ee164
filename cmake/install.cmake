# bin/quartic, and in share/quartic what a user runs it with: studies, figures, data recipes.
if(TARGET quartic)
  install(TARGETS quartic RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
install(DIRECTORY jobs analysis data DESTINATION ${CMAKE_INSTALL_DATADIR}/quartic USE_SOURCE_PERMISSIONS
        PATTERN "__pycache__" EXCLUDE PATTERN ".*" EXCLUDE PATTERN "out" EXCLUDE PATTERN "made" EXCLUDE
        PATTERN "tests" EXCLUDE)
file(GLOB documents README.md CHANGELOG.md CITATION.cff LICENSE)
install(FILES ${documents} DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs DESTINATION ${CMAKE_INSTALL_DOCDIR})
