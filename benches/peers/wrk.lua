-- Makes wrk post a body when it is given one, and print its figures as one line of JSON.
--
-- An argument is the body; `{n}` in it becomes a number that differs in every request. Without `{n}` the request is built once.

function init(args)
  local body = args[1]
  if not body then
    return
  end
  wrk.method = "POST"
  wrk.headers["content-type"] = "application/json"
  local before, after = string.match(body, "^(.-){n}(.*)$")
  if not before then
    wrk.body = body
    return
  end
  local count = 0
  request = function()
    count = count + 1
    return wrk.format(nil, nil, nil, before .. count .. after)
  end
end

function done(summary, latency, requests)
  local errors = summary.errors
  print(string.format(
    '{"requests":%d,"seconds":%.6f,"p50_ms":%.4f,"p99_ms":%.4f,"refused":%d,"broken":%d}',
    summary.requests,
    summary.duration / 1e6,
    latency:percentile(50) / 1e3,
    latency:percentile(99) / 1e3,
    errors.status,
    errors.connect + errors.read + errors.write + errors.timeout
  ))
end
