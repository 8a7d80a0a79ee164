#include <string>
#include <vector>

#include "quartic/app/commands.hpp"
#include "quartic/comm/communicator.hpp"

int main(int count, char** words) {
  quartic::comm::Communicator communicator;
  return quartic::app::dispatch(communicator, std::vector<std::string>(words + 1, words + count));
}
