<?php
// What PHP reads in a request, in every way that its manual shows.
$body = file_get_contents('php://input');
$members = json_decode($body, true);
parse_str($body, $parsed);
$path = parse_url('http://a' . $_SERVER['REQUEST_URI'], PHP_URL_PATH) ?: '/';
header('content-type: application/json');
echo json_encode([
    'amounts' => [
        '$_POST' => $_POST['amount'] ?? null,
        '$_GET' => $_GET['amount'] ?? null,
        'json_decode, whatever the type' => is_array($members) ? ($members['amount'] ?? null) : null,
        'parse_str of the body, whatever the type' => $parsed['amount'] ?? null,
    ],
    'paths' => [
        'REQUEST_URI, segments decoded' => array_map('rawurldecode', explode('/', $path)),
        'REQUEST_URI, decoded' => explode('/', rawurldecode($path)),
    ],
], JSON_INVALID_UTF8_SUBSTITUTE | JSON_PARTIAL_OUTPUT_ON_ERROR);
