// SPDX-License-Identifier: BSD-3-Clause
/* A child whose first call waits until the hub takes its connection: its other threads go on. */
#include <pthread.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tee_client_api.h>

static TEEC_Context context;

static void *call(void *unused)
{
	TEEC_Session session = { { &context, 1 } };

	TEEC_InvokeCommand(&session, 0, NULL, NULL);
	return unused;
}

static void be_the_child(void)
{
	TEEC_Operation another = { 0 };
	pthread_t thread;

	pthread_create(&thread, NULL, call, NULL);
	usleep(300000);
	TEEC_RequestCancellation(&another);
	puts("goes on");
	fflush(stdout);
	_exit(0);
}

int main(void)
{
	if (TEEC_InitializeContext(NULL, &context) != TEEC_SUCCESS) {
		return 2;
	}
	puts("connected");
	fflush(stdout);
	getchar();
	if (fork() == 0) {
		be_the_child();
	}
	wait(NULL);
	return 0;
}
