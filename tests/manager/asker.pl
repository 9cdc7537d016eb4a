#!/usr/bin/perl
# asker.pl FOLDER NAME: a daemon for [os_daemons] that asks as it is told by the section asker, which it registers:
#   mode     idle | paced | flood (as fast as it is read) | mixed (asker0 floods, the others are paced)
#   rate     messages a second, if paced; every tenth is a log line of level debug, the others are questions
#   seconds  for how long
# Each answer must be the one to its question, in their order. At the end FOLDER/NAME is written:
# {"asked": N, "answered": N, "wrong": N, "late_ms": the longest wait for an answer}
use strict;
use warnings;
use Errno qw(EAGAIN EINTR);
use POSIX ();

my ($folder, $name) = @ARGV;
my ($out, $in) = ('', '');
my (@asked, %count);
$count{$_} = 0 for qw(asked answered wrong late_ms);

$| = 1;
print qq(["register","asker"]\n);
my ($mode, $rate, $seconds) = map { setting($_) } qw(mode rate seconds);
$mode = $name eq 'asker0' ? 'flood' : 'paced' if $mode eq 'mixed';
if ($mode ne 'idle') {
    fcntl($_, POSIX::F_SETFL(), fcntl($_, POSIX::F_GETFL(), 0) | POSIX::O_NONBLOCK()) for *STDIN, *STDOUT;
    run();
    open(my $file, '>', "$folder/$name.new") or die $!;
    print $file '{', join(',', map { qq("$_":) . sprintf('%.1f', $count{$_}) } sort keys %count), "}\n";
    close $file;
    rename("$folder/$name.new", "$folder/$name");
}
sleep 1 until ended();

sub setting {
    my ($key) = @_;
    print qq(["get","asker","$key"]\n);
    my $answer = <STDIN> // exit 0;
    $answer =~ s/[\n"]//g;
    return $answer;
}

sub now { return (POSIX::times())[0] / POSIX::sysconf(POSIX::_SC_CLK_TCK()) }

sub run {
    my $start = now();
    my $sent = 0;
    while (1) {
        my $passed = now() - $start;
        my $over = $passed >= $seconds;
        my $due = $over ? 0 : $mode eq 'flood' ? 1000 : $rate * $passed - $sent;
        # What is written but not read yet is bounded here, or this program's own memory would be the flood.
        while ($due >= 1 && length $out < 65536) {
            message($sent++);
            $due -= 1;
        }
        last if $over && !length $out && !@asked;
        exchange();
    }
}

sub message {
    my ($number) = @_;
    if ($number % 10 == 9) {
        $out .= qq(["log","message $number of $name",{"level":"debug"}]\n);
        return;
    }
    my $key = $number % 2 ? 'rate' : 'seconds';
    $out .= qq(["get","asker","$key"]\n);
    push @asked, [$key eq 'rate' ? $rate : $seconds, now()];
    $count{asked}++;
}

sub exchange {
    my ($reading, $writing) = ('', '');
    vec($reading, 0, 1) = 1;
    vec($writing, 1, 1) = 1 if length $out;
    select($reading, $writing, undef, 0.01) > 0 or return;
    if (vec($writing, 1, 1) && length $out) {
        my $written = syswrite(STDOUT, $out);
        substr($out, 0, $written) = '' if $written;
    }
    return unless vec($reading, 0, 1);
    my $read = sysread(STDIN, $in, 65536, length $in);
    exit 0 if defined $read && !$read;
    while ($in =~ s/^"([^"\n]*)"\n//) {
        my ($expected, $at) = @{shift @asked};
        $count{answered}++;
        $count{wrong}++ if $1 ne $expected;
        my $late = 1000 * (now() - $at);
        $count{late_ms} = $late if $late > $count{late_ms};
    }
}

sub ended {
    my $read = sysread(STDIN, my $rest, 1000);
    return defined $read ? !$read : !($!{EAGAIN} || $!{EINTR});
}
