#include "dataplane/pipeline_dot.hpp"

#include "dataplane/pipeline.hpp"

namespace braidway::dataplane {

std::string pipeline_dot() {
  std::string dot = "digraph braidway {\n  rankdir=LR;\n  node [shape=box];\n";
  for_each_way([&]<typename W, std::size_t>() {
    const std::string way(W::name);
    dot += "  subgraph cluster_" + way + " {\n    label=\"" + way + "\";\n";
    std::string previous;
    for_each_stage<W>([&]<typename Stage, std::size_t>() {
      const std::string node = way + "_" + std::string(Stage::name);
      std::string label(Stage::name);
      if constexpr (Dropping<Stage>) {
        label += "\\n";
        for (const auto reason : Stage::drops) {
          label += "\\ndrops " + std::string(reason);
        }
      }
      dot += "    " + node + " [label=\"" + label + "\"];\n";
      if (!previous.empty()) {
        dot += "    " + previous + " -> " + node + ";\n";
      }
      previous = node;
    });
    dot += "  }\n";
  });
  return dot + "}\n";
}

}  // namespace braidway::dataplane
