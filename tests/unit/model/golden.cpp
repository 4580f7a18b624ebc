// What the classical forecasters say of a series, for golden.py to compare:
//   golden holt LEVEL TREND DAMPING | golden period | golden rls FORGETTING
// Standard input: a load of one path for each tick. Output: for each tick the forecasts of 1, 5 and 20 ticks
// ahead; for `period`, the period.
#include <cstdlib>
#include <iostream>
#include <string_view>
#include <vector>

#include "ctrl/model/holt_winters.hpp"
#include "ctrl/model/recursive_least_squares.hpp"
#include "ctrl/model/seasonal.hpp"

namespace braidway::ctrl::model {
namespace {

const Shape shape{.paths = 1, .bins = 1, .horizons = {1, 5, 20}};

template <typename AfterEach>
void show_all(Forecaster& model, AfterEach after_each) {
  std::vector<Sample> tick(1);
  for (float load = 0; std::cin >> load;) {
    tick[0].load = {.load = load, .censored = false};
    model.observe(tick);
    after_each();
  }
}

void say_all(Forecaster& model) {
  std::cout.precision(9);
  show_all(model, [&] {
    for (std::size_t k = 0; k < shape.horizons.size(); ++k) std::cout << model.forecast(0, k).load << ' ';
    std::cout << '\n';
  });
}

int run(std::vector<std::string_view> arguments) {
  const auto number = [&](std::size_t i) { return std::strtof(arguments[i].data(), nullptr); };
  if (arguments.size() == 4 && arguments[0] == "holt") {
    HoltWinters model(shape, {.level = number(1), .trend = number(2), .damping = number(3)});
    say_all(model);
  } else if (arguments.size() == 2 && arguments[0] == "rls") {
    RecursiveLeastSquares model(shape,
                                {.forgetting = std::strtod(arguments[1].data(), nullptr), .ridge = 1e-9});
    say_all(model);
  } else if (arguments.size() == 1 && arguments[0] == "period") {
    Seasonal model(shape);
    show_all(model, [] {});
    model.refit(0);
    std::cout << model.period(0) << '\n';
  } else {
    std::cerr << "usage: golden holt LEVEL TREND DAMPING | period | rls FORGETTING\n";
    return 2;
  }
  return 0;
}

}  // namespace
}  // namespace braidway::ctrl::model

int main(int count, char** values) { return braidway::ctrl::model::run({values + 1, values + count}); }
