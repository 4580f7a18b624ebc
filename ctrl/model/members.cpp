#include "ctrl/model/members.hpp"

#include "ctrl/model/bursts.hpp"
#include "ctrl/model/holt_winters.hpp"
#include "ctrl/model/naive.hpp"
#include "ctrl/model/recursive_least_squares.hpp"
#include "ctrl/model/seasonal.hpp"

namespace braidway::ctrl::model {

Ensemble::Members make_members(const Shape& shape) {
  Ensemble::Members members;
  members.push_back(std::make_unique<LastValue>(shape));
  members.push_back(std::make_unique<RunningMedian>(shape));
  members.push_back(std::make_unique<Ewma>(shape));
  members.push_back(std::make_unique<HoltWinters>(shape));
  members.push_back(std::make_unique<Seasonal>(shape));
  members.push_back(std::make_unique<RecursiveLeastSquares>(shape));
  members.push_back(std::make_unique<Bursts>(shape));
  return members;
}

}  // namespace braidway::ctrl::model
