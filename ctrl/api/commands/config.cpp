#include "ctrl/api/commands/commands.hpp"

namespace braidway::ctrl::api {
namespace {

/// The file as it was read at start: what the gateway runs, with the operator's comments.
tl::expected<Json, std::string> answer(Session& session, const Arguments& /*arguments*/) {
  return Json{{"file", session.config.file}, {"text", session.config.text}};
}

std::string render(const Json& json) {
  std::string text = json.at("text");
  if (!text.ends_with('\n')) {
    text += '\n';
  }
  return "# " + json.at("file").get<std::string>() + "\n" + text;
}

}  // namespace

std::vector<Command> config() {
  return {{.name = "show config",
           .help = "the configuration as it was read at start",
           .answer = answer,
           .render = render}};
}

}  // namespace braidway::ctrl::api
