#pragma once

#include <doctest/doctest.h>

/// A doctest listener with nothing to say; those that do override one or two of these.
struct QuietListener : doctest::IReporter {
  explicit QuietListener(doctest::ContextOptions const& /*options*/) {}
  void report_query(doctest::QueryData const& /*data*/) override {}
  void test_run_start() override {}
  void test_run_end(doctest::TestRunStats const& /*stats*/) override {}
  void test_case_start(doctest::TestCaseData const& /*data*/) override {}
  void test_case_reenter(doctest::TestCaseData const& /*data*/) override {}
  void test_case_end(doctest::CurrentTestCaseStats const& /*stats*/) override {}
  void test_case_exception(doctest::TestCaseException const& /*error*/) override {}
  void subcase_start(doctest::SubcaseSignature const& /*name*/) override {}
  void subcase_end() override {}
  void log_assert(doctest::AssertData const& /*data*/) override {}
  void log_message(doctest::MessageData const& /*data*/) override {}
  void test_case_skipped(doctest::TestCaseData const& /*data*/) override {}
};

/// Counts the test cases that the filters let through, so that a main can refuse a run of none.
struct CountCases final : QuietListener {
  using QuietListener::QuietListener;
  static inline unsigned selected = 0;
  void test_run_end(doctest::TestRunStats const& stats) override {
    selected = stats.numTestCasesPassingFilters;
  }
};
REGISTER_LISTENER("count_cases", 1, CountCases);
