#include "ctrl/collect/collect.hpp"

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <fmt/format.h>
#include <iostream>
#include <poll.h>
#include <sys/eventfd.h>
#include <vector>

#include "ctrl/collect/ledger.hpp"
#include "ctrl/collect/lines.hpp"
#include "ctrl/collect/socket.hpp"
#include "telemetry/roce.hpp"

namespace braidway::ctrl::collect {
namespace {

constexpr const char* default_listen = "127.0.0.1:32766";
/// No UDP payload is longer.
constexpr std::size_t most_bytes = 65'536;

constexpr int exit_done = 0;
constexpr int exit_failed = 1;
constexpr int exit_wrong_use = 2;

/// What a signal's handler writes to.
volatile int end_asked = -1;

void on_signal(int /*signal*/) {
  const int error = errno;
  const std::uint64_t one = 1;
  // It cannot fail: the counter is not near its end.
  [[maybe_unused]] const auto written = ::write(end_asked, &one, sizeof one);
  errno = error;
}

/// SIGTERM and SIGINT make `fd` readable, once each; the next one ends the process.
void catch_signals(int fd) {
  end_asked = fd;
  struct sigaction action{};
  action.sa_handler = on_signal;
  action.sa_flags = static_cast<int>(SA_RESETHAND | SA_RESTART);
  sigaction(SIGTERM, &action, nullptr);
  sigaction(SIGINT, &action, nullptr);
}

struct Options {
  Endpoint listen;
  std::uint64_t count = 0;  ///< 0: no end
  std::uint16_t int_port = telemetry::int_udp_port;
  bool json = false;
};

template <typename Number>
bool parse_number(const std::string& text, Number least, Number& out) {
  if (text.empty()) return true;
  const char* last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, out);
  return error == std::errc{} && end == last && out >= least;
}

tl::expected<Options, std::string> parse(const Arguments& arguments, bool json) {
  Options options;
  options.json = json;
  const std::string& listen = arguments.at("listen");
  const auto endpoint = parse_endpoint(listen.empty() ? default_listen : listen);
  if (!endpoint) return tl::unexpected("--listen " + endpoint.error());
  options.listen = *endpoint;
  if (!parse_number<std::uint64_t>(arguments.at("count"), 1, options.count)) {
    return tl::unexpected("--count '" + arguments.at("count") + "' is no number of reports; 1 or more is");
  }
  if (!parse_number<std::uint16_t>(arguments.at("int-port"), 1, options.int_port)) {
    return tl::unexpected("--int-port '" + arguments.at("int-port") + "' is no UDP port; 1 to 65535 is");
  }
  return options;
}

class Collector {
 public:
  explicit Collector(const Options& options) : options_(options) {}

  /// False: enough, or nobody takes what is printed.
  bool take(const Datagram& datagram) {
    const Arrival arrival{.time = std::chrono::system_clock::now(),
                          .sender = datagram.sender.address,
                          .port = datagram.sender.port,
                          .bytes = datagram.payload.size()};
    ++ledger_.counters.datagrams;
    telemetry::ReportReader reader(datagram.payload);
    if (reader.defect() != telemetry::ReportDefect::none) {
      refuse(arrival, reader.defect());
    } else {
      const bool first_sender = ledger_.enter(reader.group(), arrival.sender);
      read(arrival, reader, !first_sender);
    }
    std::cout.flush();
    return std::cout.good() && !enough();
  }

  void print_counters(std::uint64_t overflowed) {
    ledger_.counters.overflowed = overflowed;
    const Json json = counters_json(ledger_.counters);
    std::cout << (options_.json ? json.dump() + "\n" : "\n" + counters_text(json)) << std::flush;
  }

 private:
  void read(const Arrival& arrival, telemetry::ReportReader& reader, bool other_sender) {
    while (reader.more() && !enough()) {
      telemetry::Report report;
      const auto defect = reader.next(report);
      if (defect != telemetry::ReportDefect::none) return refuse(arrival, defect);
      ++ledger_.counters.reports;
      print(report_json(arrival, reader.group(), other_sender, report, options_.int_port));
    }
  }

  void refuse(const Arrival& arrival, telemetry::ReportDefect defect) {
    ledger_.malformed(defect);
    print(malformed_json(arrival, defect));
  }

  void print(const Json& json) const { std::cout << (options_.json ? json.dump() + "\n" : line_of(json)); }

  [[nodiscard]] bool enough() const {
    return options_.count != 0 && ledger_.counters.reports >= options_.count;
  }

  Options options_;
  Ledger ledger_;
};

int fail(int code, const std::string& what) {
  std::cerr << "braidwayctl: " << what << "\n";
  return code;
}

int collect(const Options& options) {
  const dataplane::UniqueFd end(::eventfd(0, EFD_CLOEXEC));
  if (!end) return fail(exit_failed, fmt::format("eventfd: {}", std::strerror(errno)));
  auto socket = Socket::listen(options.listen);
  if (!socket) return fail(exit_failed, socket.error());
  catch_signals(end.get());
  std::cerr << "braidwayctl: collecting on " << socket->endpoint().text() << "\n" << std::flush;
  if (!options.json) std::cout << heads() << std::flush;

  Collector collector(options);
  std::vector<std::byte> memory(most_bytes);
  std::array<pollfd, 2> awaited{{{.fd = end.get(), .events = POLLIN, .revents = 0},
                                 {.fd = socket->fd(), .events = POLLIN, .revents = 0}}};
  for (bool more = true; more;) {
    if (::poll(awaited.data(), awaited.size(), -1) < 0) {
      if (errno == EINTR) continue;
      return fail(exit_failed, fmt::format("poll: {}", std::strerror(errno)));
    }
    if (awaited[0].revents != 0) break;
    if (const auto datagram = socket->receive(memory)) more = collector.take(*datagram);
  }
  collector.print_counters(socket->overflowed());
  return std::cout.good() ? exit_done : fail(exit_failed, "what was collected cannot be written to stdout");
}

int run(const Arguments& arguments, bool json) {
  const auto options = parse(arguments, json);
  return options ? collect(*options) : fail(exit_wrong_use, options.error());
}

}  // namespace

LocalCommand command() {
  return {
      .name = "collect",
      .help = "receive and print the reports that gateways send; needs no gateway here",
      .arguments = {{.name = "listen",
                     .help = "ADDRESS:PORT to receive on (default: 127.0.0.1:32766; 0.0.0.0 or [::] for all "
                             "addresses; port 0: a free one)",
                     .required = false},
                    {.name = "count", .help = "end after so many reports", .required = false},
                    {.name = "int-port",
                     .help = "UDP port of INT in the packets reported on (default: 61791)",
                     .required = false}},
      .run = run};
}

}  // namespace braidway::ctrl::collect
