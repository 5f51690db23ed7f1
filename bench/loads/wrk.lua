-- wrk -s wrk.lua URL -- METHOD FILE NAME VALUE NAME VALUE …; FILE has a body on each line, which are sent in turn.
-- Prints one line of JSON at the end.
function init(args)
  wrk.method = args[1]
  for i = 3, #args, 2 do wrk.headers[args[i]] = args[i + 1] end
  local requests, turn = {}, 0
  for body in io.lines(args[2]) do requests[#requests + 1] = wrk.format(nil, nil, nil, body) end
  -- Without a function of its own wrk sends one and the same request, which is cheaper for it.
  if #requests > 0 then
    request = function()
      turn = turn % #requests + 1
      return requests[turn]
    end
  end
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\nRESULT {"calls":%d,"seconds":%.6f,"failures":%d,"p50":%.4f,"p99":%.4f}\n',
    summary.requests, summary.duration / 1e6,
    errors.connect + errors.read + errors.write + errors.timeout + errors.status,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
