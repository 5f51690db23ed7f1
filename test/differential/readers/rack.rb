# What Rack reads in a request, in every way that its documentation shows.
require 'json'
require 'rack'
require 'rack/handler/webrick'

app = lambda do |env|
  request = Rack::Request.new(env)
  body = request.body.read
  request.body.rewind
  amounts = {}
  reads = {
    'POST' => -> { request.POST['amount'] },
    'GET' => -> { request.GET['amount'] },
    'JSON.parse, whatever the type' => -> { (value = JSON.parse(body)).is_a?(Hash) ? value['amount'] : nil },
    'parse_nested_query of the body, whatever the type' => -> { Rack::Utils.parse_nested_query(body)['amount'] },
  }
  reads.each do |name, read|
    amounts[name] = read.call
  rescue StandardError
    nil
  end
  path = request.path_info.dup.force_encoding('UTF-8').scrub
  paths = { 'PATH_INFO' => path.split('/', -1), 'decoded' => (Rack::Utils.unescape_path(path).scrub.split('/', -1) rescue ['']) }
  [200, { 'Content-Type' => 'application/json' }, [JSON.generate({ amounts: amounts, paths: paths })]]
end

Rack::Handler::WEBrick.run(app, Host: '127.0.0.1', Port: ARGV[0].to_i, AccessLog: [], Logger: WEBrick::Log.new(nil, 0))
